import type { TerminalSize } from "../core/job.ts";
import type { OutputSource } from "./outputSource.ts";
import { TerminalInput } from "./terminalInput.ts";

/** The kernel holds at most so much of what was written to a terminal. */
const kernelBytes = 64 * 1024;

/** The server's end of a command's terminal. The terminal itself comes into being with the process. */
export class JobTerminal implements OutputSource {
  readonly input = new TerminalInput();
  /** The runtime reads without being asked. Whoever follows takes each chunk before the next one comes. */
  readonly #chunks: Uint8Array[] = [];
  #terminal: Bun.Terminal | null = null;
  #waiting: ((chunk: Uint8Array | null) => void) | null = null;
  #ended = false;

  /** How the process is to be started, so that it has a terminal of that size for its own. */
  options({ cols, rows }: TerminalSize): Bun.TerminalOptions {
    return {
      ...{ cols, rows },
      data: (_terminal, chunk) => this.#take(chunk),
      // Its end, or an error of reading, which is how the kernel tells that nobody has the other side any more.
      exit: () => this.#end(),
    };
  }

  /** The process has been started with it; `side` is what `openTerminalSide` gave. */
  bind(terminal: Bun.Terminal, side: number | null): void {
    this.#terminal = terminal;
    this.input.bind(terminal, side);
  }

  /** Gives it another size, of which the foreground job is told; false when it is closed. */
  resize({ cols, rows }: TerminalSize): boolean {
    if (this.#terminal === null || this.#terminal.closed || this.#ended) return false;
    this.#terminal.resize(cols, rows);
    return true;
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined || this.#ended) return Promise.resolve(chunk ?? null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  interrupt(): void {
    this.#answer(null);
  }

  unreadBytes(): number {
    return kernelBytes;
  }

  close(): void {
    this.#end();
    this.#chunks.length = 0;
    if (this.#terminal?.closed === false) this.#terminal.close();
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (!this.#answer(chunk)) this.#chunks.push(chunk);
  }

  #end(): void {
    this.#ended = true;
    this.input.end();
    this.#answer(null);
  }

  /** False when nobody waits. */
  #answer(chunk: Uint8Array | null): boolean {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(chunk);
    return waiting !== null;
  }
}

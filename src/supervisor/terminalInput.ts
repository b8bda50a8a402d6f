import { ErrandError } from "../core/errors.ts";
import type { ProcessInput } from "../core/ports.ts";
import { WriterBytes } from "./writerBytes.ts";

/** The runtime takes all that it is given, so it is given no more than this before the terminal has taken it. */
const waitingBytes = 64 * 1024;
/** What a person types to end the input: Ctrl-D. */
const endOfFile = Uint8Array.of(4);

/** What is typed at a command's terminal. A command that does not read holds its writer back. */
export class TerminalInput implements ProcessInput {
  readonly #writers = new WriterBytes();
  #terminal: Bun.Terminal | null = null;
  /** The end of what was asked for so far: one piece at a time waits for the terminal. */
  #last: Promise<void> = Promise.resolve();
  #settle: ((taken: boolean) => void) | null = null;
  bytes = 0;
  closed = false;

  /** The terminal is there. */
  bind(terminal: Bun.Terminal): void {
    this.#terminal = terminal;
  }

  bytesFrom(writer: string): number {
    return this.#writers.of(writer);
  }

  write(chunk: Uint8Array, writer?: string): Promise<void> {
    return this.#inTurn(async () => {
      for (let offset = 0; offset < chunk.byteLength; offset += waitingBytes) {
        const piece = chunk.subarray(offset, offset + waitingBytes);
        await this.#type(piece);
        this.bytes += piece.byteLength;
        if (writer !== undefined) this.#writers.add(writer, piece.byteLength);
      }
    });
  }

  /**
   * Types the end of file, after all that was written before. A terminal stays open: others may sit at it, and what is
   * read there next is nobody's to decide here.
   */
  close(): void {
    if (!this.closed) this.#inTurn(() => this.#type(endOfFile)).catch(() => {});
  }

  /** The terminal has taken what it was given. */
  drained(): void {
    this.#settle?.(true);
  }

  /** Nobody reads there any more. */
  end(): void {
    this.closed = true;
    this.#settle?.(false);
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #type(piece: Uint8Array): Promise<void> {
    const terminal = this.#terminal;
    const taken = await new Promise<boolean>((resolve) => {
      this.#settle = resolve;
      if (this.closed || terminal === null || terminal.closed) resolve(false);
      else terminal.write(piece as Uint8Array<ArrayBuffer>);
    });
    this.#settle = null;
    if (!taken) throw new ErrandError("stdin-closed", "the command's terminal is closed: it takes no more");
  }
}

import { closeSync, writeSync } from "node:fs";
import { ErrandError } from "../core/errors.ts";
import type { ProcessInput } from "../core/ports.ts";
import { WriterBytes } from "./writerBytes.ts";

/** What a person types to end the input: Ctrl-D. */
const endOfFile = Uint8Array.of(4);
/** Between two looks whether a terminal that was full takes more: short at first. */
const firstPauseMilliseconds = 1;
const longestPauseMilliseconds = 16;

/** What is typed at a command's terminal. A command that does not read holds its writer back. */
export class TerminalInput implements ProcessInput {
  readonly #writers = new WriterBytes();
  #terminal: Bun.Terminal | null = null;
  /** The server's side of the terminal, where it can be written to directly. */
  #side: number | null = null;
  /** The end of what was asked for so far: one write after the other. */
  #last: Promise<void> = Promise.resolve();
  bytes = 0;
  closed = false;

  /** The terminal is there. The descriptor is closed here. */
  bind(terminal: Bun.Terminal, side: number | null): void {
    this.#terminal = terminal;
    this.#side = side;
  }

  bytesFrom(writer: string): number {
    return this.#writers.of(writer);
  }

  write(chunk: Uint8Array, writer?: string): Promise<void> {
    return this.#inTurn(() =>
      this.#type(chunk, (taken) => {
        this.bytes += taken;
        if (writer !== undefined) this.#writers.add(writer, taken);
      }),
    );
  }

  /**
   * Types the end of file, after all that was written before. A terminal stays open: others may sit at it, and what is
   * read there next is nobody's to decide here.
   */
  close(): void {
    if (!this.closed) this.#inTurn(() => this.#type(endOfFile, () => {})).catch(() => {});
  }

  /** Nobody reads there any more. */
  end(): void {
    this.closed = true;
    if (this.#side !== null) closeSync(this.#side);
    this.#side = null;
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #type(bytes: Uint8Array, onTaken: (bytes: number) => void): Promise<void> {
    let pause = firstPauseMilliseconds;
    for (let offset = 0; offset < bytes.byteLength; ) {
      const taken = this.#put(bytes.subarray(offset));
      if (taken > 0) {
        onTaken(taken);
        offset += taken;
        pause = firstPauseMilliseconds;
      } else {
        // The runtime tells of no terminal that it takes more again.
        await Bun.sleep(pause);
        pause = Math.min(pause * 2, longestPauseMilliseconds);
      }
    }
  }

  /** How much the terminal takes now. Throws `stdin-closed`. */
  #put(bytes: Uint8Array): number {
    const terminal = this.#terminal;
    if (this.closed || terminal === null || terminal.closed)
      throw new ErrandError("stdin-closed", "the command's terminal is closed: it takes no more");
    if (this.#side === null) return terminal.write(bytes as Uint8Array<ArrayBuffer>);
    try {
      return writeSync(this.#side, bytes);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
      throw new ErrandError("stdin-closed", "the command's terminal has hung up: it takes no more");
    }
  }
}

import { closeSync } from "node:fs";
import { ErrandError } from "../core/errors.ts";
import type { ProcessInput } from "../core/ports.ts";
import { openPipe } from "./libc.ts";
import { WriterBytes } from "./writerBytes.ts";

/** So much may wait in the sink before a write waits for the command. */
const waitingBytes = 64 * 1024;

/** stdin of a command that is written while it runs. A command that does not read holds its writer back. */
export class InputPipe implements ProcessInput {
  #readEnd: number;
  readonly #writeEnd: number;
  readonly #sink: Bun.FileSink;
  readonly #writers = new WriterBytes();
  bytes = 0;
  closed = false;

  constructor() {
    const { readEnd, writeEnd } = openPipe();
    this.#readEnd = readEnd;
    this.#writeEnd = writeEnd;
    this.#sink = Bun.file(writeEnd).writer({ highWaterMark: waitingBytes });
  }

  /** The end for the child. Close it here with `closeReadEnd` once the child has it. */
  get readEnd(): number {
    return this.#readEnd;
  }

  /** Closes the child's end on this side. */
  closeReadEnd(): void {
    if (this.#readEnd >= 0) closeSync(this.#readEnd);
    this.#readEnd = -1;
  }

  bytesFrom(writer: string): number {
    return this.#writers.of(writer);
  }

  async write(chunk: Uint8Array, writer?: string): Promise<void> {
    if (this.closed) throw closedError();
    try {
      await this.#sink.write(chunk);
      await this.#sink.flush();
      this.bytes += chunk.byteLength;
      if (writer !== undefined) this.#writers.add(writer, chunk.byteLength);
    } catch {
      // The reader has gone: the command has closed its stdin, or has ended.
      this.close();
      throw closedError();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.closeReadEnd();
    // The sink has a descriptor of its own, which it closes when all has gone out.
    Promise.resolve(this.#sink.end()).catch(() => {});
    closeSync(this.#writeEnd);
  }
}

function closedError(): ErrandError {
  return new ErrandError("stdin-closed", "the command's stdin is closed: it takes no more");
}

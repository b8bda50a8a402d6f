import { closeSync } from "node:fs";
import { hasHungUp, openPipe, pollPipe, readDescriptor, waitingBytes } from "./libc.ts";
import type { OutputSource } from "./outputSource.ts";
import { StepReader } from "./stepReader.ts";

/** One read takes at most this much, which is also what a pipe of the usual size holds. */
const chunkBytes = 64 * 1024;
const scratch = new Uint8Array(chunkBytes);
const nothing = new Uint8Array(0);

function openReader(descriptor: number) {
  return Bun.file(descriptor).stream().getReader();
}

/** The server's end of a pipe that a command writes to. */
export class OutputPipe implements OutputSource {
  readonly #readEnd: number;
  #writeEnd: number;
  readonly #buffer: Uint8Array;
  #reader: ReturnType<typeof openReader> | null = null;
  /** Reads in steps of the wished size; null when the stream may read as much as it likes. */
  readonly #steps: StepReader | null;
  #closed = false;
  /** Bytes handed out so far. */
  bytes = 0;

  /** `readBytes`: no read takes more than that; null leaves it to the runtime. */
  constructor(readBytes: number | null = null) {
    const { readEnd, writeEnd } = openPipe();
    this.#readEnd = readEnd;
    this.#writeEnd = writeEnd;
    this.#buffer = readBytes === null ? scratch : scratch.subarray(0, readBytes);
    this.#steps = readBytes === null ? null : new StepReader(readEnd, this.#buffer);
  }

  /** The end for the child. Close it here with `closeWriteEnd` once the child has it. */
  get writeEnd(): number {
    return this.#writeEnd;
  }

  /** The larger of its descriptors, which tells how many are open: the system gives out the lowest free one. */
  get highestDescriptor(): number {
    return Math.max(this.#readEnd, this.#writeEnd);
  }

  /** Closes the child's end on this side. */
  closeWriteEnd(): void {
    if (this.#writeEnd >= 0) closeSync(this.#writeEnd);
    this.#writeEnd = -1;
  }

  /**
   * What is in the pipe now, without waiting, and whether all writers are gone. Only before the first `read`.
   * At most a full pipe comes with each call.
   */
  collect(): { readonly chunk: Uint8Array; readonly ended: boolean } {
    const state = pollPipe(this.#readEnd);
    if (state !== "data") return { chunk: nothing, ended: state === "end" };
    const count = readDescriptor(this.#readEnd, this.#buffer);
    if (count <= 0) return { chunk: nothing, ended: count === 0 };
    this.bytes += count;
    return { chunk: scratch.slice(0, count), ended: pollPipe(this.#readEnd) === "end" };
  }

  /** How much may have been written and not been handed out yet; the stream reads up to one chunk ahead. */
  unreadBytes(): number {
    return waitingBytes(this.#readEnd) + (this.#reader === null ? 0 : chunkBytes);
  }

  /** True when no process has the other end any more. */
  get abandoned(): boolean {
    return hasHungUp(this.#readEnd);
  }

  /** The next bytes; null when all writers are gone, after `interrupt`, or when the pipe cannot be read any more. */
  async read(): Promise<Uint8Array | null> {
    if (this.#steps !== null) {
      const chunk = await this.#steps.read();
      this.bytes += chunk?.byteLength ?? 0;
      return chunk;
    }
    try {
      this.#reader ??= openReader(this.#readEnd);
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.bytes += value.byteLength;
      return value;
    } catch {
      return null;
    }
  }

  /** Makes a waiting `read` answer null; the pipe stays open and `read` may be called again. */
  interrupt(): void {
    this.#steps?.interrupt();
    const reader = this.#reader;
    this.#reader = null;
    // The stream has a descriptor of its own, which ends here; ours keeps the pipe from breaking.
    reader?.cancel().catch(() => {});
  }

  /** Ends it: a process that still writes gets SIGPIPE. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.interrupt();
    this.closeWriteEnd();
    closeSync(this.#readEnd);
  }
}

/** A pipe that holds more than this after the leader's exit is being filled by somebody else. */
const collectLimitBytes = 1024 * 1024;

/** All that is in a pipe now; `ended` when no writer is left. Only before the first `read`. */
export function collectAll(pipe: OutputPipe): { readonly bytes: Uint8Array; readonly ended: boolean } {
  const first = pipe.collect();
  if (first.ended || first.chunk.byteLength === 0) return { bytes: first.chunk, ended: first.ended };
  const chunks = [first.chunk];
  let byteLength = first.chunk.byteLength;
  for (;;) {
    const { chunk, ended } = pipe.collect();
    chunks.push(chunk);
    byteLength += chunk.byteLength;
    if (ended || chunk.byteLength === 0 || byteLength >= collectLimitBytes) {
      return { bytes: Buffer.concat(chunks), ended };
    }
  }
}

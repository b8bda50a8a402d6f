import { write } from "node:fs";

/** Whoever read our output has gone. */
export class OutputGone extends Error {
  override readonly name = "OutputGone";
}

const longestPauseMilliseconds = 50;

/**
 * Writes to a descriptor as it takes the bytes. Each write happens beside the event loop: while a reader like `less`
 * holds us back, signals are still heard.
 */
export class Output {
  readonly #descriptor: number;
  #last: Promise<void> = Promise.resolve();

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Resolves when all of it has been taken. Rejects with `OutputGone` when nobody reads any more. */
  write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const written = this.#last.then(() => this.#writeAll(bytes));
    // A failure is told to who wrote; those who write after it try for themselves.
    this.#last = written.catch(() => {});
    return written;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let pause = 1;
    for (let offset = 0; offset < bytes.byteLength; ) {
      try {
        offset += await this.#writeSome(bytes, offset);
        pause = 1;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === "EPIPE") throw new OutputGone("nobody reads the output any more");
        if (code !== "EAGAIN") throw error;
        // Somebody has made the descriptor non-blocking, and it is full.
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, longestPauseMilliseconds);
      }
    }
  }

  #writeSome(bytes: Uint8Array, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#descriptor, bytes, offset, bytes.byteLength - offset, null, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }
}

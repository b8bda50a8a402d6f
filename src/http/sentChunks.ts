import type { ServerResponse } from "node:http";

interface Sent {
  readonly buffer: ArrayBuffer;
  /** So many bytes had been written with it. */
  readonly end: number;
}

/** Smaller chunks are left to collections: they are cheap there, and there may be many of them. */
const leastBytes = 1024;

/**
 * Writes chunks that nobody else needs, and gives back the memory of each as soon as the response has sent it: left to
 * collections, a flood would pile up tens of megabytes. The runtime sends from the chunk itself, so not before.
 */
export class SentChunks {
  readonly #response: ServerResponse;
  /** In order; no more than the response holds back, and the latest one. */
  readonly #held: Sent[] = [];
  #written = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The chunk's memory must not be used afterwards. */
  write(chunk: Uint8Array): void {
    this.#response.write(chunk);
    this.#written += chunk.byteLength;
    const { buffer, byteLength } = chunk;
    if (byteLength < leastBytes || buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer))
      return;
    this.#held.push({ buffer, end: this.#written });
  }

  /** Gives back what has been sent by now. */
  release(): void {
    // What waits is the latest that was written, and what frames it: a chunk with more than that behind it has gone out.
    const sent = this.#written - this.#response.writableLength;
    for (let first = this.#held[0]; first !== undefined && first.end <= sent; first = this.#held[0]) {
      first.buffer.transfer(0);
      this.#held.shift();
    }
  }
}

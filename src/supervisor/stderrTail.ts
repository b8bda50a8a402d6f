const decoder = new TextDecoder();

/** Keeps the last bytes of a stream. */
export class Tail {
  readonly #capacity: number;
  #chunks: Uint8Array[] = [];
  #kept = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds a chunk, which must not change afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0 || this.#capacity === 0) return;
    this.#chunks.push(chunk);
    this.#kept += chunk.byteLength;
    while (this.#kept - (this.#chunks[0]?.byteLength ?? 0) >= this.#capacity) {
      this.#kept -= this.#chunks.shift()?.byteLength ?? 0;
    }
    // Many tiny chunks cost more than their bytes.
    if (this.#chunks.length > 256) this.#chunks = [Buffer.concat(this.#chunks)];
  }

  /** The tail as text; bytes that are not UTF-8 become replacement characters. */
  text(): string {
    if (this.#kept === 0) return "";
    const all = Buffer.concat(this.#chunks);
    let start = Math.max(0, all.byteLength - this.#capacity);
    // A cut may have hit the middle of a character: leave its rest out.
    if (start > 0) while (start < all.byteLength && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return decoder.decode(all.subarray(start));
  }
}

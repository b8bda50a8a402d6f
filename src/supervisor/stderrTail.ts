const decoder = new TextDecoder();

/** Keeps the last bytes of a stream, in a ring that grows up to its capacity. */
export class Tail {
  readonly #capacity: number;
  #ring = new Uint8Array(0);
  /** Where the next byte goes. */
  #end = 0;
  /** Bytes that came in all. */
  #seen = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds a chunk, which may be used again afterwards. */
  push(chunk: Uint8Array): void {
    const last =
      chunk.byteLength > this.#capacity ? chunk.subarray(chunk.byteLength - this.#capacity) : chunk;
    this.#makeRoom(last.byteLength);
    const first = Math.min(last.byteLength, this.#ring.byteLength - this.#end);
    this.#ring.set(last.subarray(0, first), this.#end);
    this.#ring.set(last.subarray(first), 0);
    this.#end = this.#ring.byteLength === 0 ? 0 : (this.#end + last.byteLength) % this.#ring.byteLength;
    this.#seen += chunk.byteLength;
  }

  /** Most streams are short: the ring is no larger than it has to be. While it grows it has not come round yet. */
  #makeRoom(bytes: number): void {
    const length = this.#ring.byteLength;
    if (length === this.#capacity || this.#seen + bytes <= length) return;
    const ring = new Uint8Array(Math.min(this.#capacity, Math.max(2 * length, this.#seen + bytes)));
    ring.set(this.#ring);
    this.#ring = ring;
    this.#end = Math.min(this.#seen, length);
  }

  #bytes(): Uint8Array {
    if (this.#seen <= this.#ring.byteLength) return this.#ring.subarray(0, this.#seen);
    return Buffer.concat([this.#ring.subarray(this.#end), this.#ring.subarray(0, this.#end)]);
  }

  /** The tail as text; bytes that are not UTF-8 become replacement characters. */
  text(): string {
    const all = this.#bytes();
    let start = 0;
    // A cut may have hit the middle of a character: leave its rest out.
    if (this.#seen > all.byteLength)
      while (start < all.byteLength && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return decoder.decode(all.subarray(start));
  }
}

/** Keeps what jobs store within a number of bytes. When there is no room, the oldest ended jobs go. */
export class DataQuota {
  readonly limitBytes: number;
  #usedBytes = 0;
  #otherBytes = 0;
  #evict: () => boolean = () => false;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes that are taken beside the jobs' files, as by the database. */
  get otherBytes(): number {
    return this.#otherBytes;
  }

  /** Bytes in use, all together. */
  get usedBytes(): number {
    return this.#usedBytes + this.#otherBytes;
  }

  /** `evict` makes room by forgetting one ended job; false when there is none left. */
  onFull(evict: () => boolean): void {
    this.#evict = evict;
  }

  /** What the rest of the data directory takes now. */
  setOther(bytes: number): void {
    this.#otherBytes = bytes;
  }

  /** Takes so many bytes; false when there is no room for them, whatever goes. */
  take(bytes: number): boolean {
    while (this.usedBytes + bytes > this.limitBytes) if (!this.#evict()) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** Notes bytes that are there already. */
  adopt(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#usedBytes = Math.max(0, this.#usedBytes - bytes);
  }
}

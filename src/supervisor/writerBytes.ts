/** So many writers of one stdin are remembered; then the one that has been silent longest is forgotten. */
export const inputWriters = 64;

/** How much has been taken from each of those who write to one stdin. */
export class WriterBytes {
  readonly #bytes = new Map<string, number>();

  /** Bytes that have been taken from that writer. */
  of(writer: string): number {
    return this.#bytes.get(writer) ?? 0;
  }

  /** So many more have been taken. */
  add(writer: string, bytes: number): void {
    const sum = this.of(writer) + bytes;
    this.#bytes.delete(writer);
    this.#bytes.set(writer, sum);
    if (this.#bytes.size <= inputWriters) return;
    const [oldest] = this.#bytes.keys();
    if (oldest !== undefined) this.#bytes.delete(oldest);
  }

  /** All that is known, the latest writer last. */
  entries(): [string, number][] {
    return [...this.#bytes];
  }
}

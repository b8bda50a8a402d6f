import { ErrandError } from "../core/errors.ts";
import type { OutputPosition, OutputStretch } from "../core/ports.ts";
import { timelineRecordBytes } from "./timeline.ts";

const wordsOfRecord = timelineRecordBytes / Uint32Array.BYTES_PER_ELEMENT;
/** The length is the second half of a record: 56 bits, below the kind. */
const lowWord = 2;
const highWord = 3;
const kindShift = 24;
const highLengthMask = 2 ** kindShift - 1;
const firstStretches = 64;

/** Which stream came after which: a timeline without its times, with what belongs together as one stretch. */
export class OrderIndex {
  /** After each stretch: bytes of both streams together, and of stdout alone. */
  #ends = new Float64Array(firstStretches);
  #stdoutEnds = new Float64Array(firstStretches);
  #count = 0;
  #stdout = 0;
  #stderr = 0;
  #lastIsStdout = false;

  /** Bytes of both streams together. */
  get bytes(): number {
    return this.#stdout + this.#stderr;
  }

  /** Reads whole records of a timeline, in one pass: there may be a million of them. */
  add(records: Uint8Array): void {
    const words = new Uint32Array(records.buffer, records.byteOffset, records.byteLength / 4);
    for (let at = 0; at < words.length; at += wordsOfRecord) {
      const high = words[at + highWord] ?? 0;
      const length = (high & highLengthMask) * 2 ** 32 + (words[at + lowWord] ?? 0);
      // Those that note the end of a stream's keeping have no length. Kinds of stdout are odd.
      if (length > 0) this.#append((high >>> kindShift) % 2 === 1, length);
    }
  }

  /** What comes at that position; null when it is at the end, or behind it. Throws `invalid-parameter` for one that never was. */
  at(position: OutputPosition): OutputStretch | null {
    const seen = position.stdout + position.stderr;
    if (seen >= this.bytes) {
      if (position.stdout < this.#stdout || position.stderr < this.#stderr) throw neverWas(position);
      return null;
    }
    const found = this.#find(seen);
    const before = this.#ends[found - 1] ?? 0;
    const stdoutBefore = this.#stdoutEnds[found - 1] ?? 0;
    const isStdout = (this.#stdoutEnds[found] ?? 0) > stdoutBefore;
    if (position.stdout !== stdoutBefore + (isStdout ? seen - before : 0)) throw neverWas(position);
    const bytes = (this.#ends[found] ?? 0) - seen;
    return { stream: isStdout ? "stdout" : "stderr", bytes, complete: true };
  }

  /** Where a reader stands who has seen so many bytes, no more than there are. */
  position(seen: number): OutputPosition {
    if (seen >= this.bytes) return { stdout: this.#stdout, stderr: this.#stderr };
    const found = this.#find(seen);
    const before = this.#ends[found - 1] ?? 0;
    const stdoutBefore = this.#stdoutEnds[found - 1] ?? 0;
    const isStdout = (this.#stdoutEnds[found] ?? 0) > stdoutBefore;
    const stdout = stdoutBefore + (isStdout ? seen - before : 0);
    return { stdout, stderr: seen - stdout };
  }

  /** By bisection: the stretch that comes after so many bytes. */
  #find(seen: number): number {
    let low = 0;
    for (let high = this.#count - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) > seen) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #append(isStdout: boolean, length: number): void {
    if (isStdout) this.#stdout += length;
    else this.#stderr += length;
    if (this.#count === 0 || isStdout !== this.#lastIsStdout) this.#count += 1;
    if (this.#count > this.#ends.length) this.#grow();
    this.#lastIsStdout = isStdout;
    this.#ends[this.#count - 1] = this.#stdout + this.#stderr;
    this.#stdoutEnds[this.#count - 1] = this.#stdout;
  }

  #grow(): void {
    const [ends, stdoutEnds] = [this.#ends, this.#stdoutEnds];
    this.#ends = new Float64Array(2 * ends.length);
    this.#stdoutEnds = new Float64Array(2 * ends.length);
    this.#ends.set(ends);
    this.#stdoutEnds.set(stdoutEnds);
  }
}

/** The refusal of a position that nobody was given. */
export function neverWas({ stdout, stderr }: OutputPosition): ErrandError {
  return new ErrandError(
    "invalid-parameter",
    `cursor ${stdout}-${stderr}: the output never was at that place`,
  );
}

import type { JobId } from "./job.ts";

/** Ids count milliseconds from here (2025-01-01), so that 41 bits last until 2094. */
const epochMilliseconds = 1_735_689_600_000;
const sequenceBits = 12n;
const nodeBits = 10n;
const maxMilliseconds = 2 ** 41 - 1;
const maxId = (1n << 63n) - 1n;
const maxSequence = 2 ** Number(sequenceBits) - 1;

/** Largest node number that fits an id. */
export const maxNodeNumber = 2 ** Number(nodeBits) - 1;

/** Makes ids that grow: 41 bits of milliseconds, 10 bits of node, 12 bits of sequence. */
export class IdSource {
  readonly #now: () => number;
  readonly #node: bigint;
  #milliseconds = 0;
  #sequence = 0;

  /** `now` gives milliseconds since 1970. Ids come after `floor`, the newest id known, even if the clock went back. */
  constructor(now: () => number, nodeNumber: number, floor?: JobId) {
    this.#now = now;
    this.#node = BigInt(nodeNumber) << sequenceBits;
    if (floor !== undefined) this.#milliseconds = idTime(floor) - epochMilliseconds + 1;
  }

  /** A new id, larger than all before it. */
  next(): bigint {
    const milliseconds = this.#now() - epochMilliseconds;
    if (milliseconds > this.#milliseconds) {
      this.#milliseconds = milliseconds;
      this.#sequence = 0;
    } else if (this.#sequence === maxSequence) {
      // The millisecond is used up, or the clock went back: borrow from the next one.
      this.#milliseconds += 1;
      this.#sequence = 0;
    } else {
      this.#sequence += 1;
    }
    return (BigInt(this.#milliseconds) << (sequenceBits + nodeBits)) | this.#node | BigInt(this.#sequence);
  }
}

/** When the id was made, in milliseconds since 1970. */
export function idTime(id: JobId): number {
  return Number(BigInt(id) >> (sequenceBits + nodeBits)) + epochMilliseconds;
}

/** The smallest id that could have been made at that time (milliseconds since 1970); within the range of ids. */
export function firstIdAt(wall: number): JobId {
  const milliseconds = Math.max(0, Math.floor(wall) - epochMilliseconds);
  if (milliseconds > maxMilliseconds) return maxId.toString();
  return (BigInt(milliseconds) << (sequenceBits + nodeBits)).toString();
}

const idPattern = /^[1-9][0-9]{0,18}$/;

/** True when the text has the form of an id. */
export function isJobId(text: string): text is JobId {
  return idPattern.test(text) && BigInt(text) <= maxId;
}

import { readFileSync } from "node:fs";
import { getLimit, resource, setLimit, unlimited } from "./libc.ts";

/*
 * Every process of a job carries the job's mark as its soft limit of real-time microseconds (RLIMIT_RTTIME).
 * The kernel hands it on at every fork, whatever the child does to its environment, session or parent, and it
 * costs one system call at the start. The value is far above anything that could be reached.
 */

/** A number that no other job on this machine carries, of whatever server. */
export type Mark = bigint;

/** Between 2^61 and 2^62: unlike any limit that somebody would set, and below the kernel's largest one. */
const lowestMark = 1n << 61n;

/** Makes marks. Servers begin at random places, so that one never takes another's processes for its own. */
export class MarkSource {
  #next = lowestMark + ((crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n) >> 3n);

  /** A new mark. */
  next(): Mark {
    const mark = this.#next;
    this.#next += 1n;
    return mark;
  }
}

const { soft: ownLimit, hard: hardLimit } = getLimit(0, resource.realtimeMicroseconds) ?? {
  soft: 0n,
  hard: 0n,
};

/** False where the operator bounds real-time scheduling: then trees are found by their process group alone. */
export const canMark = hardLimit === unlimited;

/** Makes every process that is started until `clearMark` carry the mark. */
export function setMark(mark: Mark): void {
  if (canMark) setLimit(0, resource.realtimeMicroseconds, mark, hardLimit);
}

/** Ends what `setMark` began. */
export function clearMark(): void {
  if (canMark) setLimit(0, resource.realtimeMicroseconds, ownLimit, hardLimit);
}

/** The mark that a process carries; null when it carries none or is gone. */
export function readMark(pid: number): Mark | null {
  const limit = getLimit(pid, resource.realtimeMicroseconds);
  const soft = limit === null ? readForeignLimit(pid) : limit.soft;
  return soft === null || soft < lowestMark || soft === unlimited ? null : soft;
}

/** A command that has changed its user can no longer be asked directly, but everybody may read this file. */
function readForeignLimit(pid: number): bigint | null {
  try {
    const line = /^Max realtime timeout +(\d+|unlimited)/m.exec(
      readFileSync(`/proc/${pid}/limits`, "latin1"),
    );
    const soft = line?.[1];
    return soft === undefined || soft === "unlimited" ? null : BigInt(soft);
  } catch {
    return null;
  }
}

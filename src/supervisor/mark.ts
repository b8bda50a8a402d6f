import { readFileSync } from "node:fs";
import { getLimit, resource, setLimit, unlimited } from "./libc.ts";

/*
 * Every process of a job carries the job's id as its soft limit of real-time microseconds (RLIMIT_RTTIME).
 * The kernel hands it on at every fork, whatever the child does to its environment, session or parent, and it
 * costs one system call at the start. The value is far above anything that could be reached.
 */

const hardLimit = getLimit(0, resource.realtimeMicroseconds)?.hard ?? 0n;

/** False where the operator bounds real-time scheduling: then trees are found by their process group alone. */
export const canMark = hardLimit === unlimited;

/** Makes every process that is started until `clearMark` carry the id. */
export function setMark(id: bigint): void {
  if (canMark) setLimit(0, resource.realtimeMicroseconds, id, hardLimit);
}

/** Ends what `setMark` began. */
export function clearMark(): void {
  if (canMark) setLimit(0, resource.realtimeMicroseconds, unlimited, hardLimit);
}

/** The id that a process carries; null when it carries none or is gone. */
export function readMark(pid: number): bigint | null {
  const limit = getLimit(pid, resource.realtimeMicroseconds);
  const soft = limit === null ? readForeignLimit(pid) : limit.soft;
  return soft === null || soft === unlimited ? null : soft;
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

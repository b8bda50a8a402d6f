import { closeSync, readFileSync } from "node:fs";
import { duplicate, terminalNumber } from "./libc.ts";
import { readStat } from "./processTable.ts";

/** The runtime opens its side of a terminal at the lowest free descriptors, or right behind. */
const lookedAt = 32;
const nonBlocking = 0o4000;

/**
 * The server's side of the terminal of a process that has just been started, under a descriptor of its own; `lowest` is
 * the lowest that was free before. Writing there does not wait. Null where that cannot be had: then the runtime has to
 * write, which takes all at once and does not always tell when it has gone out.
 */
export function openTerminalSide(pid: number, lowest: number): number | null {
  const number = readStat(pid)?.terminal ?? null;
  // It has ended already.
  if (number === null) return null;
  for (let descriptor = lowest; descriptor < lowest + lookedAt; descriptor += 1) {
    if (terminalNumber(descriptor) !== number) continue;
    const own = duplicate(descriptor);
    if (own === null || isNonBlocking(own)) return own;
    closeSync(own);
    return null;
  }
  return null;
}

function isNonBlocking(descriptor: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & nonBlocking) !== 0;
}

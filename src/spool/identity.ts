import { readFileSync } from "node:fs";

/** What names a process beyond its number, which is used again: boot, number and start time together. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the boot; null where the system cannot be asked. */
  readonly startTicks: number | null;
  readonly bootId: string | null;
}

let bootId: string | null | undefined;

/** The identity of a process that is there, be it as a zombie. */
export function identify(pid: number): ProcessIdentity {
  bootId ??= read("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
  const stat = read(`/proc/${pid}/stat`);
  // The name of the program stands in parentheses and may hold anything; after it the start time is the 20th field.
  const ticks = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return { pid, startTicks: ticks === undefined ? null : Number(ticks), bootId };
}

/** True while that very process is there and no zombie. */
export function isAlive({ pid, startTicks, bootId: boot }: ProcessIdentity): boolean {
  const now = identify(pid);
  return now.startTicks !== null && now.startTicks === startTicks && now.bootId === boot && !isZombie(pid);
}

function isZombie(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`) ?? "";
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return state === "" || state === "Z" || state === "X";
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

import { readFileSync } from "node:fs";

/** What names a process beyond its number, which is used again: boot, number and start time together. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the boot; null where the system cannot be asked. */
  readonly startTicks: number | null;
  readonly bootId: string | null;
}

let bootId: string | null | undefined;

/** Which boot of the system this is; null where it cannot be asked. */
export function currentBoot(): string | null {
  bootId ??= read("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
  return bootId;
}

/** The identity of a process that is there, be it as a zombie. */
export function identify(pid: number): ProcessIdentity {
  const stat = read(`/proc/${pid}/stat`);
  const { ticks } = fieldsOf(stat);
  return { pid, startTicks: ticks === undefined ? null : Number(ticks), bootId: currentBoot() };
}

/** The name of the program stands in parentheses and may hold anything; what follows the last one is fixed. */
function fieldsOf(stat: string | null): {
  readonly state: string | undefined;
  readonly ticks: string | undefined;
} {
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return { state: fields[0], ticks: fields[19] };
}

/** True while that very process is there and no zombie. Throws when the system cannot say. */
export function isAlive({ pid, startTicks, bootId: boot }: ProcessIdentity): boolean {
  const { state, ticks } = fieldsOf(readProcess(`/proc/${pid}/stat`));
  if (state === undefined || state === "Z" || state === "X" || ticks === undefined) return false;
  return Number(ticks) === startTicks && readProcess("/proc/sys/kernel/random/boot_id")?.trim() === boot;
}

/** Null when there is no such process. */
function readProcess(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

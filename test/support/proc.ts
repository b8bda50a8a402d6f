import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Sends a signal to one process; that it has just gone is no error. */
export function signal(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

export function allProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A zombie does not live: it is only a note for its parent. */
export function isLiving(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** When the process started, in clock ticks since boot; with the pid it names one process for ever. */
export function startTimeOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

export function parentOf(pid: number): number | undefined {
  return numberAt(pid, 1);
}

export function groupOf(pid: number): number | undefined {
  return numberAt(pid, 2);
}

export function sessionOf(pid: number): number | undefined {
  return numberAt(pid, 3);
}

export function childrenOf(pid: number): number[] {
  return allProcesses().filter((candidate) => parentOf(candidate) === pid);
}

export function argumentsOf(pid: number): string[] {
  return nulSeparated(pid, "cmdline");
}

export function environmentOf(pid: number): string[] {
  return nulSeparated(pid, "environ");
}

/** The program that the process runs; undefined when it is gone or another user's. */
export function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** The fields of /proc/<pid>/stat after the name, which may itself hold spaces and brackets: state is the first. */
function statOf(pid: number): string[] | undefined {
  const text = readProcess(pid, "stat");
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function numberAt(pid: number, index: number): number | undefined {
  const field = statOf(pid)?.[index];
  return field === undefined ? undefined : Number(field);
}

function nulSeparated(pid: number, file: string): string[] {
  return (readProcess(pid, file) ?? "").split("\0");
}

export function readProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}

/** How many bytes the process has written so far, to files and pipes alike. */
export function bytesWrittenBy(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readProcess(pid, "io") ?? "")?.[1] ?? 0);
}

/** One field of /proc/<pid>/status, such as `Umask` or `SigIgn`. */
export function statusField(pid: number, name: string): string | undefined {
  return new RegExp(`^${name}:\\s+(.*)$`, "m").exec(readProcess(pid, "status") ?? "")?.[1];
}

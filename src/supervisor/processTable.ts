import { readdirSync, readFileSync } from "node:fs";

/** What /proc tells of a process. */
interface ProcessStat {
  readonly zombie: boolean;
  readonly parent: number;
  readonly group: number;
  /** The N of /dev/pts/N, its controlling terminal; null when it has none of that kind. */
  readonly terminal: number | null;
  /** Since boot, in clock ticks: with the number it names one process. */
  readonly startTime: string;
}

/** The state of a process; null when there is none of that number. */
export function readStat(pid: number): ProcessStat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name stands in parentheses and may hold anything; what follows the last one is fixed.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 20);
    return {
      zombie: fields[0] === "Z" || fields[0] === "X",
      parent: Number(fields[1]),
      group: Number(fields[2]),
      terminal: terminalOf(Number(fields[4])),
      startTime: fields[19] ?? "",
    };
  } catch {
    return null;
  }
}

/** Majors of the devices below /dev/pts. */
const firstTerminalMajor = 136;
const lastTerminalMajor = 143;

function terminalOf(device: number): number | null {
  const major = (device >>> 8) & 0xfff;
  if (major < firstTerminalMajor || major > lastTerminalMajor) return null;
  // The kernel puts the minor number around the major one.
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

/** The numbers of all processes; none where the system has no /proc. */
export function allProcesses(): number[] {
  const found: number[] = [];
  try {
    for (const name of readdirSync("/proc")) {
      const first = name.charCodeAt(0);
      if (first >= 48 && first <= 57) found.push(Number(name));
    }
  } catch {
    // Not on Linux: trees are found by their group there.
  }
  return found;
}

import { readdirSync, readFileSync } from "node:fs";

/** What /proc tells of a process. */
interface ProcessStat {
  readonly zombie: boolean;
  readonly parent: number;
  readonly group: number;
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
      startTime: fields[19] ?? "",
    };
  } catch {
    return null;
  }
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

import { readdirSync, readFileSync } from "node:fs";
import { canMark, readMark } from "./mark.ts";

/** A living process that belongs to a job. */
export interface MarkedProcess {
  readonly pid: number;
  readonly group: number;
}

/** All living processes that carry one of the ids, by id. Zombies do not count: they run no more. */
export function findMarked(ids: { has(id: bigint): boolean }): Map<bigint, MarkedProcess[]> {
  const found = new Map<bigint, MarkedProcess[]>();
  for (const name of readdirSync("/proc")) {
    const first = name.charCodeAt(0);
    if (first < 48 || first > 57) continue;
    const pid = Number(name);
    const id = readMark(pid);
    if (id === null || !ids.has(id)) continue;
    const process = readProcess(pid);
    if (process === null) continue;
    const list = found.get(id);
    if (list === undefined) found.set(id, [process]);
    else list.push(process);
  }
  return found;
}

/** Kills what carries the id now; how many there were. */
export function killMarked(ids: { has(id: bigint): boolean }): number {
  let killed = 0;
  for (const processes of findMarked(ids).values()) {
    for (const { pid } of processes) {
      killed += 1;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended in between.
      }
    }
  }
  return killed;
}

function readProcess(pid: number): MarkedProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name stands in parentheses and may hold anything; what follows the last one is fixed: state, parent, group.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3);
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return { pid, group: Number(fields[2]) };
  } catch {
    return null;
  }
}

/** The number of a group is nobody else's while the group has a member. */
function findGroup(leader: number): MarkedProcess[] {
  try {
    process.kill(-leader, 0);
    return [{ pid: -leader, group: leader }];
  } catch {
    return [];
  }
}

/** One look at the process table serves all trees that are being stopped, and looks never follow one another closely. */
export class Sweeper {
  readonly #wanted = new Map<bigint, ((found: MarkedProcess[]) => void)[]>();
  #scheduled = false;
  #restUntil = 0;

  /** The living processes of a job, seen after this call. Where none can be marked: its group, as one. */
  find(id: bigint, leader: number): Promise<MarkedProcess[]> {
    if (!canMark) return Promise.resolve(findGroup(leader));
    return new Promise((resolve) => {
      const waiting = this.#wanted.get(id);
      if (waiting === undefined) this.#wanted.set(id, [resolve]);
      else waiting.push(resolve);
      if (this.#scheduled) return;
      this.#scheduled = true;
      const restMilliseconds = this.#restUntil - performance.now();
      if (restMilliseconds > 0) setTimeout(() => this.#look(), restMilliseconds);
      else setImmediate(() => this.#look());
    });
  }

  #look(): void {
    this.#scheduled = false;
    const wanted = new Map(this.#wanted);
    this.#wanted.clear();
    const began = performance.now();
    const found = findMarked(wanted);
    const ended = performance.now();
    // At most a third of the time is spent looking, however large the process table is.
    this.#restUntil = ended + 2 * (ended - began);
    for (const [id, resolvers] of wanted) {
      const list = found.get(id) ?? [];
      for (const resolve of resolvers) resolve(list);
    }
  }
}

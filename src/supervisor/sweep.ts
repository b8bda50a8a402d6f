import { canMark, readMark } from "./mark.ts";
import { allProcesses, readStat } from "./processTable.ts";

/** A living process that belongs to a job. */
export interface MarkedProcess {
  readonly pid: number;
  readonly group: number;
}

/** All living processes that carry one of the ids, by id. Zombies do not count: they run no more. */
export function findMarked(ids: { has(id: bigint): boolean }): Map<bigint, MarkedProcess[]> {
  const found = new Map<bigint, MarkedProcess[]>();
  for (const pid of allProcesses()) {
    const id = readMark(pid);
    if (id === null || !ids.has(id)) continue;
    const stat = readStat(pid);
    if (stat === null || stat.zombie) continue;
    const process = { pid, group: stat.group };
    const list = found.get(id);
    if (list === undefined) found.set(id, [process]);
    else list.push(process);
  }
  return found;
}

/** Without marks the group is the tree, seen as one. */
function findGroup(leader: number): MarkedProcess[] {
  try {
    process.kill(-leader, 0);
    return [{ pid: leader, group: leader }];
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

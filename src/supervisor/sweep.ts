import { canMark, type Mark, readMark } from "./mark.ts";
import { allProcesses, readStat } from "./processTable.ts";

/** A living process that belongs to a job. */
export interface MarkedProcess {
  readonly pid: number;
  readonly group: number;
}

/** All living processes that carry one of the marks, by mark. Zombies do not count: they run no more. */
export function findMarked(marks: { has(mark: Mark): boolean }): Map<Mark, MarkedProcess[]> {
  const found = new Map<Mark, MarkedProcess[]>();
  for (const pid of allProcesses()) {
    const mark = readMark(pid);
    if (mark === null || !marks.has(mark)) continue;
    const stat = readStat(pid);
    if (stat === null || stat.zombie) continue;
    const process = { pid, group: stat.group };
    const list = found.get(mark);
    if (list === undefined) found.set(mark, [process]);
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
  readonly #wanted = new Map<Mark, ((found: MarkedProcess[]) => void)[]>();
  #scheduled = false;
  #restUntil = 0;

  /** The living processes of a job, seen after this call. Where none can be marked: its group, as one. */
  find(mark: Mark, leader: number): Promise<MarkedProcess[]> {
    if (!canMark) return Promise.resolve(findGroup(leader));
    return new Promise((resolve) => {
      const waiting = this.#wanted.get(mark);
      if (waiting === undefined) this.#wanted.set(mark, [resolve]);
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
    for (const [mark, resolvers] of wanted) {
      const list = found.get(mark) ?? [];
      for (const resolve of resolvers) resolve(list);
    }
  }
}

import type { ActiveJob } from "./activeJob.ts";
import { ErrandError } from "./errors.ts";
import type { Launch } from "./launch.ts";

/** Who waits for which alias, in order. */
export class AliasLines {
  readonly #most: number;
  readonly #lines = new Map<string, Launch[]>();
  #length = 0;

  /** `most`: so many may wait, all lines together. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** Throws `too-many-jobs`. */
  add(launch: Launch, place: "first" | "last"): void {
    if (this.#length >= this.#most)
      throw new ErrandError(
        "too-many-jobs",
        `${this.#most} jobs wait for an alias, which is the limit (queuedJobs)`,
        1,
      );
    const { alias } = launch.active.job;
    if (alias === null) return;
    const line = this.#lines.get(alias) ?? [];
    if (place === "first") line.unshift(launch);
    else line.push(launch);
    this.#lines.set(alias, line);
    this.#length += 1;
  }

  /** Takes the first one out of the line for that alias. */
  next(alias: string): Launch | undefined {
    const line = this.#lines.get(alias);
    const next = line?.shift();
    if (next !== undefined) this.#length -= 1;
    if (line?.length === 0) this.#lines.delete(alias);
    return next;
  }

  /** Takes that job out of its line; false when it is in none. */
  remove({ job: { alias, id } }: ActiveJob): boolean {
    const line = alias === null ? undefined : this.#lines.get(alias);
    const index = line?.findIndex(({ active }) => active.job.id === id) ?? -1;
    if (line === undefined || alias === null || index < 0) return false;
    line.splice(index, 1);
    this.#length -= 1;
    if (line.length === 0) this.#lines.delete(alias);
    return true;
  }

  /** Takes all out of their lines. */
  clear(): Launch[] {
    const all = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#length = 0;
    return all;
  }
}

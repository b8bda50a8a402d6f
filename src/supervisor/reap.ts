import { readdirSync, readFileSync } from "node:fs";
import { reapChild } from "./libc.ts";

/** Takes the exits of orphans that this process has adopted as sub-reaper. Never touches Bun's own children. */
export class OrphanReaper {
  readonly #isOwn: (pid: number) => boolean;
  readonly #timer: Timer;

  /**
   * `isOwn` says which children are waited for elsewhere. Dead orphans hold nothing but their number, so that a look now
   * and then is early enough.
   */
  constructor(isOwn: (pid: number) => boolean, intervalMilliseconds: number) {
    this.#isOwn = isOwn;
    this.#timer = setInterval(() => this.reap(), intervalMilliseconds);
    this.#timer.unref();
  }

  /** One look. */
  reap(): void {
    for (const pid of children()) {
      if (!this.#isOwn(pid)) reapChild(pid);
    }
  }

  /** Ends the looking. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The children of all threads of this process: an orphan may be given to any. */
function children(): number[] {
  const found: number[] = [];
  for (const task of readdirSync("/proc/self/task")) {
    try {
      for (const pid of readFileSync(`/proc/self/task/${task}/children`, "latin1").split(" ")) {
        if (pid !== "") found.push(Number(pid));
      }
    } catch {
      // The thread has ended, or the kernel does not tell: then init-like reaping is not needed for correctness.
    }
  }
  return found;
}

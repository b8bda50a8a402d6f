import { signalMarked, signalTree, type Tree } from "./signal.ts";
import type { Sweeper } from "./sweep.ts";

/** Between two looks at a tree that is dying: short at first, since most end at once. */
const firstPauseMilliseconds = 1;
const longestPauseMilliseconds = 25;
/** A child made during a look, by a parent that ended during it, is seen by the next one. */
const looksToBeSure = 2;

/** CONT, since a process that has been halted would not hear TERM. */
const gentle = ["SIGTERM", "SIGCONT"] as const;
/** Shells at a terminal ignore TERM; when it hangs up, they end and tell their jobs. */
const gentleAtTerminal = ["SIGTERM", "SIGHUP", "SIGCONT"] as const;

/** Stops one tree: TERM, the grace time, then KILL until nothing of it is left. */
export class TreeStop {
  readonly #tree: Tree;
  readonly #sweeper: Sweeper;
  readonly #gentle: readonly NodeJS.Signals[];
  #killAt: number;
  #wake: (() => void) | null = null;

  constructor(tree: Tree, sweeper: Sweeper, graceSeconds: number) {
    this.#tree = tree;
    this.#sweeper = sweeper;
    this.#gentle = tree.hasTerminal ? gentleAtTerminal : gentle;
    this.#killAt = performance.now() + graceSeconds * 1_000;
  }

  /** Shortens the grace time; a longer one is ignored. */
  hasten(graceSeconds: number): void {
    const killAt = performance.now() + graceSeconds * 1_000;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    this.#wake?.();
  }

  /** Looks again now: the leader has ended. */
  look(): void {
    this.#wake?.();
  }

  /** Resolves with the number of processes that are left: 0, unless KILL was of no use for `killSeconds`. */
  async run(killSeconds: number): Promise<number> {
    let pause = firstPauseMilliseconds;
    let termed = false;
    if (performance.now() < this.#killAt && this.#tree.leaderAlive()) {
      // The group at once: the look at the process table may have to wait for its turn.
      for (const signal of this.#gentle) signalTree(this.#tree, [], signal);
    }
    let quietLooks = 0;
    for (;;) {
      const found = await this.#sweeper.find(this.#tree.mark, this.#tree.leader);
      const now = performance.now();
      if (now >= this.#killAt) {
        if (this.#tree.leaderAlive() || found.length > 0) signalTree(this.#tree, found, "SIGKILL");
        if (now > this.#killAt + killSeconds * 1_000)
          return Math.max(found.length, this.#tree.leaderAlive() ? 1 : 0);
      } else if (!termed) {
        termed = true;
        for (const { pid, group } of found) {
          if (group === this.#tree.leader && this.#tree.leaderAlive()) continue;
          for (const signal of this.#gentle) signalMarked(pid, this.#tree.mark, signal);
        }
      }
      quietLooks = found.length === 0 && !this.#tree.leaderAlive() ? quietLooks + 1 : 0;
      if (quietLooks === looksToBeSure) return 0;
      if (quietLooks > 0) continue;
      await this.#pause(Math.min(pause, Math.max(0, this.#killAt - now) || pause));
      pause = Math.min(pause * 2, longestPauseMilliseconds);
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}

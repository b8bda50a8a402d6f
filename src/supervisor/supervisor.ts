import { ErrandError } from "../core/errors.ts";
import type { Exit, JobSpec } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { ProcessListener, SupervisedProcess, Supervisor } from "../core/ports.ts";
import { AttachedProcess } from "./attachedProcess.ts";
import { LeftoverPipes } from "./leftoverPipes.ts";
import { becomeSubreaper, restoreSignals } from "./libc.ts";
import type { LiveJobs } from "./liveJobs.ts";
import { MarkSource } from "./mark.ts";
import { OrphanReaper } from "./reap.ts";
import { Reserve } from "./reserve.ts";
import { type SpawnSettings, spawn } from "./spawn.ts";
import { Sweeper } from "./sweep.ts";

interface SupervisorParts {
  readonly settings: SpawnSettings;
  readonly limits: Limits;
  readonly liveJobs: LiveJobs;
  /** Children of this process that are no jobs. */
  readonly isHelper: (pid: number) => boolean;
}

/** Starts and stops processes on this machine. */
export class LocalSupervisor implements Supervisor {
  readonly #parts: SupervisorParts;
  readonly #reserve: Reserve;
  readonly #marks = new MarkSource();
  readonly #sweeper = new Sweeper();
  readonly #leftoverPipes: LeftoverPipes;
  readonly #leaders = new Set<number>();
  readonly #reaper: OrphanReaper | null;

  constructor(parts: SupervisorParts) {
    restoreSignals();
    this.#parts = parts;
    this.#reserve = new Reserve(parts.limits);
    this.#leftoverPipes = new LeftoverPipes(parts.limits.leftoverPipes);
    this.#reaper = becomeSubreaper()
      ? new OrphanReaper((pid) => this.#leaders.has(pid) || parts.isHelper(pid))
      : null;
  }

  start(id: bigint, spec: JobSpec, listener: ProcessListener): SupervisedProcess {
    const { settings, limits, liveJobs } = this.#parts;
    const mark = this.#marks.next();
    if (!liveJobs.add(id, mark))
      throw new ErrandError("too-many-jobs", "no room for one more running job", 1);
    let process: AttachedProcess | null = null;
    const onExit = (exit: Exit) => {
      if (process === null) return;
      this.#leaders.delete(process.pid);
      process.leaderExited(exit);
    };
    try {
      const spawned = spawn(mark, spec, { settings, reserve: this.#reserve, onExit });
      this.#leaders.add(spawned.pid);
      process = new AttachedProcess({
        mark,
        spawned,
        listener,
        limits,
        sweeper: this.#sweeper,
        leftoverPipes: this.#leftoverPipes,
        onFinished: () => liveJobs.delete(id),
      });
      return process;
    } catch (error) {
      liveJobs.delete(id);
      throw error;
    }
  }

  /** Ends what runs in the background here; jobs are not touched. */
  close(): void {
    this.#reaper?.stop();
  }
}

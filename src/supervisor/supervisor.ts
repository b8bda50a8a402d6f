import { ErrandError } from "../core/errors.ts";
import type { Exit, JobSpec } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type {
  AttachedProcess,
  OutputSink,
  ProcessListener,
  SupervisedProcess,
  Supervisor,
} from "../core/ports.ts";
import { LeftoverPipes } from "./leftoverPipes.ts";
import { becomeSubreaper, restoreSignals } from "./libc.ts";
import type { ProcessParts } from "./life.ts";
import type { LiveJobs } from "./liveJobs.ts";
import { MarkSource } from "./mark.ts";
import { OrphanReaper } from "./reap.ts";
import { Reserve } from "./reserve.ts";
import { type SpawnSettings, spawn } from "./spawn.ts";
import { SpooledProcess } from "./spooledProcess.ts";
import { StreamedProcess } from "./streamedProcess.ts";
import { Sweeper } from "./sweep.ts";

interface SupervisorParts {
  readonly settings: SpawnSettings;
  readonly limits: Limits;
  /** Notes a job with its mark before its process is made. */
  readonly liveJobs: Pick<LiveJobs, "add" | "delete">;
  /** Between two looks for dead orphans. */
  readonly reapMilliseconds: number;
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
      ? new OrphanReaper((pid) => this.#leaders.has(pid) || parts.isHelper(pid), parts.reapMilliseconds)
      : null;
  }

  startAttached(id: bigint, spec: JobSpec, listener: ProcessListener): AttachedProcess {
    return this.#start(id, { spec, listener }, (parts) => new StreamedProcess(parts));
  }

  startSpooled(id: bigint, spec: JobSpec, listener: ProcessListener, sink: OutputSink): SupervisedProcess {
    return this.#start(id, { spec, listener }, (parts) => new SpooledProcess(parts, sink));
  }

  startDetached(spec: JobSpec): number {
    const { settings } = this.#parts;
    let leader = 0;
    const onExit = () => this.#leaders.delete(leader);
    // Without a mark no sweep finds it, and without a place among the live jobs it outlives the server.
    const nowhere = { ...spec, discardStdout: true, discardStderr: true };
    const { pid, stdout, stderr } = spawn(null, nowhere, { settings, reserve: this.#reserve, onExit });
    leader = pid;
    this.#leaders.add(pid);
    stdout.close();
    stderr.close();
    return pid;
  }

  #start<Process extends SupervisedProcess & { leaderExited(exit: Exit): void }>(
    id: bigint,
    { spec, listener }: Pick<ProcessParts, "spec" | "listener">,
    make: (parts: ProcessParts) => Process,
  ): Process {
    const { settings, limits, liveJobs } = this.#parts;
    const mark = this.#marks.next();
    if (!liveJobs.add(id, mark))
      throw new ErrandError("too-many-jobs", "no room for one more running job", 1);
    let process: Process | null = null;
    const onExit = (exit: Exit) => {
      if (process === null) return;
      this.#leaders.delete(process.pid);
      process.leaderExited(exit);
    };
    try {
      const spawned = spawn(mark, spec, { settings, reserve: this.#reserve, onExit });
      this.#leaders.add(spawned.pid);
      process = make({
        mark,
        spec,
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

  /** Calls back once no descendant of an ended job holds a pipe of this process any more; at once when none does. */
  whenNoLeftovers(callback: () => void): void {
    this.#leftoverPipes.whenNone(callback);
  }

  /** Ends what runs in the background here; jobs are not touched. */
  close(): void {
    this.#reaper?.stop();
  }
}

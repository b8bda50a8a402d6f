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
import type { ProcessParts, Started } from "./life.ts";
import type { LiveJobs } from "./liveJobs.ts";
import { type Mark, MarkSource } from "./mark.ts";
import { OrphanReaper } from "./reap.ts";
import { Reserve } from "./reserve.ts";
import { type SpawnParts, type SpawnSettings, spawn, spawnAtTerminal } from "./spawn.ts";
import { SpooledProcess } from "./spooledProcess.ts";
import { StreamedProcess } from "./streamedProcess.ts";
import { Sweeper } from "./sweep.ts";
import { TerminalProcess } from "./terminalProcess.ts";

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

  startAttached(id: bigint, spec: JobSpec, listener: ProcessListener): AttachedProcess {
    return this.#start(id, { spec, listener }, { spawn, make: (parts) => new StreamedProcess(parts) });
  }

  startSpooled(id: bigint, spec: JobSpec, listener: ProcessListener, sink: OutputSink): SupervisedProcess {
    const { tty: size } = spec;
    if (size === null)
      return this.#start(id, { spec, listener }, { spawn, make: (parts) => new SpooledProcess(parts, sink) });
    return this.#start(
      id,
      { spec, listener },
      {
        spawn: (mark, _spec, parts) => spawnAtTerminal({ mark, size }, spec, parts),
        make: (parts) => new TerminalProcess(parts, sink),
      },
    );
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

  #start<What extends Started, Process extends SupervisedProcess & { leaderExited(exit: Exit): void }>(
    id: bigint,
    { spec, listener }: Pick<ProcessParts, "spec" | "listener">,
    how: {
      readonly spawn: (mark: Mark, spec: JobSpec, parts: SpawnParts) => What;
      readonly make: (parts: ProcessParts<What>) => Process;
    },
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
      const spawned = how.spawn(mark, spec, { settings, reserve: this.#reserve, onExit });
      this.#leaders.add(spawned.pid);
      process = how.make({
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

  /** Ends what runs in the background here; jobs are not touched. */
  close(): void {
    this.#reaper?.stop();
  }
}

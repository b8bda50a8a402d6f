import type { ActiveJob } from "./activeJob.ts";
import type { EventBus } from "./eventBus.ts";
import type { DetachedJob, EndedJob, Job, RunningJob } from "./job.ts";
import type { Clock, JobHistory, JobLog } from "./ports.ts";
import type { Remains } from "./shimPorts.ts";
import type { Instant, JobEvent } from "./transitions.ts";

export interface LivesParts {
  readonly clock: Clock;
  readonly history: JobHistory;
  readonly bus: EventBus;
  readonly log: JobLog;
}

/** Carries jobs from one state into the next, and tells all who are to know: the history, the log, those who listen. */
export class JobLives {
  readonly #parts: LivesParts;
  readonly #onSettled: (job: Job) => void;

  /** `onSettled`: the job is over for this server. */
  constructor(parts: LivesParts, onSettled: (job: Job) => void) {
    this.#parts = parts;
    this.#onSettled = onSettled;
  }

  /** The command has been executed. */
  executed(active: ActiveJob, pid: number, at: Instant): RunningJob {
    const { history, bus, log } = this.#parts;
    const job = active.apply({ type: "executed", at, pid }) as RunningJob;
    history.put(job);
    log.started(job);
    bus.publish({ type: "started", job });
    return job;
  }

  /** The command has been executed and let go. */
  released(active: ActiveJob, pid: number, at: Instant): DetachedJob {
    const { history, bus, log } = this.#parts;
    const job = active.apply({ type: "released", at, pid }) as DetachedJob;
    this.#settle(job);
    log.started(job);
    bus.publish({ type: "started", job });
    // Nothing but the record tells of it.
    history.flush();
    return job;
  }

  /** It could not be started. */
  refused(active: ActiveJob, failure: string): void {
    const { clock, log, bus } = this.#parts;
    const job = active.apply({ type: "refused", at: clock.now(), failure });
    this.#settle(job);
    log.ended(job);
    bus.publish({ type: "failed", job });
    active.announceEnd();
  }

  /** It has ended; `write` is called before anybody hears of it. */
  over(
    active: ActiveJob,
    event: Extract<JobEvent, { type: "finished" | "reported" }>,
    write: (job: EndedJob) => void = () => {},
  ): void {
    const job = active.apply(event) as EndedJob;
    write(job);
    this.#tellEnd(active, job);
  }

  /** Its shim has gone. How it has ended is what its directory says, if that says anything. */
  vanished(active: ActiveJob, { started, end, output }: Remains): void {
    const execution = end ?? started;
    // One that was found after a restart may have ended before its shim could be asked.
    if (active.job.state === "starting" && execution !== null)
      this.executed(active, execution.pid, { wall: execution.startedAt, monotonic: 0 });
    if (end !== null) {
      this.over(active, { type: "reported", end });
      return;
    }
    const at = this.#parts.clock.now();
    this.#tellEnd(active, active.apply({ type: "vanished", at, output, with: "shim" }));
  }

  #tellEnd(active: ActiveJob, job: Job): void {
    const { bus, log } = this.#parts;
    this.#settle(job);
    log.ended(job);
    bus.publish({ type: "ended", job });
    active.announceEnd();
  }

  #settle(job: Job): void {
    this.#parts.history.put(job);
    this.#onSettled(job);
  }
}

import { ActiveJob } from "./activeJob.ts";
import { Admission, type AdmissionParts, type Origin } from "./admission.ts";
import { AliasLines } from "./aliasLines.ts";
import { Attendance } from "./attendance.ts";
import { ErrandError, toErrandError } from "./errors.ts";
import type { EventBus } from "./eventBus.ts";
import type {
  DetachedJob,
  EndedJob,
  Exit,
  Job,
  JobId,
  JobSpec,
  OutputSummary,
  RunningJob,
  StartingJob,
} from "./job.ts";
import type { Launch } from "./launch.ts";
import type { JobFiles, JobHistory, JobLog, ProcessListener, Spool, Supervisor } from "./ports.ts";

export interface LauncherParts extends AdmissionParts {
  readonly supervisor: Supervisor;
  readonly spool: Spool;
  readonly history: JobHistory;
  readonly bus: EventBus;
  readonly log: JobLog;
}

/** Starts jobs and carries them through their lives, until they are nobody's any more. */
export class Launcher {
  /** Jobs that have not ended. */
  readonly active = new Map<JobId, ActiveJob>();
  readonly #parts: LauncherParts;
  readonly #admission: Admission;
  readonly #lines: AliasLines;
  #closed = false;
  #onIdle: (() => void) | null = null;

  constructor(parts: LauncherParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
    this.#lines = new AliasLines(parts.limits.queuedJobs);
  }

  /** True when no new jobs are taken. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Takes no new jobs; those that wait in a line are refused. */
  close(): void {
    this.#closed = true;
    for (const { active } of this.#lines.clear()) this.#dismiss(active, this.#shuttingDown());
  }

  /** Resolves when no job is left. */
  async idle(): Promise<void> {
    if (this.active.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** See `Broker.startAttached`. */
  attached(spec: JobSpec, origin: Origin): ActiveJob {
    const launch = this.#admit(spec, origin);
    const { active, number } = launch;
    try {
      const process = this.#parts.supervisor.startAttached(number, spec, this.#listener(launch, null));
      active.bindAttached(process);
      this.#executed(active, process.pid);
      return active;
    } catch (error) {
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** See `Broker.startBackground`. */
  async spooled(spec: JobSpec, origin: Origin, onAdmitted?: (id: JobId) => void): Promise<ActiveJob> {
    const { alias, aliasPolicy } = spec;
    const holder = alias === null ? undefined : this.#holder(alias);
    if (alias === null || holder === undefined || aliasPolicy === "reject") {
      return this.#launch(this.#admit(spec, origin), onAdmitted);
    }
    if (aliasPolicy === "join") {
      onAdmitted?.(holder.job.id);
      return holder;
    }
    const launch = this.#enqueue({ ...spec, alias }, origin);
    try {
      onAdmitted?.(launch.active.job.id);
    } catch (error) {
      this.unqueue(launch.active);
      throw error;
    }
    if (aliasPolicy === "queue") {
      // Nothing but the record tells of it.
      this.#parts.history.flush();
      return launch.active;
    }
    holder.stop("stopped", spec.stopGraceSeconds ?? this.#parts.limits.stopGraceSeconds);
    return launch.active.launched();
  }

  /** See `Broker.startDetached`. */
  detached(spec: JobSpec, origin: Origin): DetachedJob {
    const { active } = this.#admit(spec, origin);
    const { clock, supervisor, history, bus, log } = this.#parts;
    try {
      const pid = supervisor.startDetached(spec);
      const job = active.apply({ type: "released", at: clock.now(), pid }) as DetachedJob;
      this.#settled(job);
      log.started(job);
      bus.publish({ type: "started", job });
      // Nothing but the record tells of it.
      history.flush();
      return job;
    } catch (error) {
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** Takes a job out of its line; false when it is in none. */
  unqueue(active: ActiveJob): boolean {
    if (!this.#lines.remove(active)) return false;
    this.#dismiss(active, new ErrandError("start-failed", "it was stopped before it was started"));
    return true;
  }

  /** It has waited in vain, and so has who waits for its execution. */
  #dismiss(active: ActiveJob, failure: ErrandError): void {
    this.#refused(active, failure.message);
    active.announceLaunch(failure);
  }

  #shuttingDown(): ErrandError {
    const { shutdownDrainSeconds } = this.#parts.limits;
    return new ErrandError("shutting-down", "the server takes no new jobs", shutdownDrainSeconds);
  }

  #holder(alias: string): ActiveJob | undefined {
    const id = this.#parts.aliases.holder(alias);
    return id === undefined ? undefined : this.active.get(id);
  }

  /** Takes a job in: from here on it counts, and holds its alias. */
  #admit(spec: JobSpec, origin: Origin): Launch {
    if (this.#closed) throw this.#shuttingDown();
    const { number, job } = this.#admission.admit(spec, origin, this.active.size);
    return this.#enter({ number, active: new ActiveJob(job), spec });
  }

  #enqueue(spec: JobSpec & { readonly alias: string }, origin: Origin): Launch {
    if (this.#closed) throw this.#shuttingDown();
    const { number, job } = this.#admission.queue(spec, origin, this.#lines.length);
    const launch = { number, active: new ActiveJob(job), spec };
    this.#lines.add(launch, spec.aliasPolicy === "replace" ? "first" : "last");
    this.#parts.history.put(job);
    return this.#enter(launch);
  }

  #enter(launch: Launch): Launch {
    const { active, spec } = launch;
    const { clock, limits } = this.#parts;
    const onAbandoned = () => {
      if (!this.unqueue(active)) active.stop("disconnected", limits.disconnectGraceSeconds);
    };
    if (spec.onDisconnect !== "detach")
      active.attendance = new Attendance({ policy: spec.onDisconnect, clock, onAbandoned });
    this.active.set(active.job.id, active);
    return launch;
  }

  async #launch(launch: Launch, onAdmitted?: (id: JobId) => void): Promise<ActiveJob> {
    const { number, active, spec } = launch;
    const { spool, supervisor } = this.#parts;
    let files: JobFiles | null = null;
    try {
      onAdmitted?.(active.job.id);
      files = await spool.create(active.job as StartingJob, spec);
      if (this.#closed) throw this.#shuttingDown();
      files.onWrite(() => active.announceOutput());
      const process = supervisor.startSpooled(number, spec, this.#listener(launch, files), files);
      active.bind(process);
      files.started(this.#executed(active, process.pid));
      active.announceLaunch(null);
      active.stopIfWanted();
      return active;
    } catch (error) {
      files?.discard();
      this.#refused(active, toErrandError(error).message);
      active.announceLaunch(error);
      throw error;
    }
  }

  /** The next one in the line for an alias that has become free. */
  #launchNext(alias: string): void {
    const next = this.#lines.next(alias);
    if (next === undefined) return;
    const { active } = next;
    this.#parts.aliases.claim(alias, active.job.id);
    active.apply({ type: "admitted" });
    // Who waits for it hears of a failure from the job.
    this.#launch(next).catch(() => {});
  }

  #listener({ active, spec }: Launch, files: JobFiles | null): ProcessListener {
    const { limits } = this.#parts;
    return {
      limitReached: (reason) => active.stop(reason, spec.stopGraceSeconds ?? limits.stopGraceSeconds),
      exited: (exit: Exit) => void active.apply({ type: "exited", exit }),
      finished: (output, detail) => this.#finished(active, files, output, detail),
    };
  }

  #executed(active: ActiveJob, pid: number): RunningJob {
    const { clock, history, bus, log } = this.#parts;
    const job = active.apply({ type: "executed", at: clock.now(), pid }) as RunningJob;
    history.put(job);
    log.started(job);
    bus.publish({ type: "started", job });
    return job;
  }

  #refused(active: ActiveJob, failure: string): void {
    const { clock, log, bus } = this.#parts;
    const job = active.apply({ type: "refused", at: clock.now(), failure });
    this.#settled(job);
    log.ended(job);
    bus.publish({ type: "failed", job });
    active.announceEnd();
  }

  #finished(active: ActiveJob, files: JobFiles | null, output: OutputSummary, detail: string | null): void {
    const { clock, bus, log } = this.#parts;
    const job = active.apply({ type: "finished", at: clock.now(), output, detail }) as EndedJob;
    files?.ended(job);
    this.#settled(job);
    log.ended(job);
    bus.publish({ type: "ended", job });
    active.announceEnd();
  }

  /** The job is over for this server. */
  #settled(job: Job): void {
    const { aliases, history } = this.#parts;
    this.active.delete(job.id);
    history.put(job);
    if (job.alias !== null && aliases.release(job.alias, job.id)) this.#launchNext(job.alias);
    if (this.active.size === 0) this.#onIdle?.();
  }
}

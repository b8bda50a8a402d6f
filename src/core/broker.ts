import { ActiveJob } from "./activeJob.ts";
import { Admission, type AdmissionParts, type Origin } from "./admission.ts";
import { ErrandError, toErrandError } from "./errors.ts";
import type { EventBus, Subscription } from "./eventBus.ts";
import {
  type DetachedJob,
  type EndedJob,
  type Exit,
  expiresAt,
  isLive,
  type Job,
  type JobId,
  type JobSpec,
  type LimitReason,
  type OutputSummary,
  type RunningJob,
  type StartingJob,
  type StopReason,
} from "./job.ts";
import type {
  JobFiles,
  JobHistory,
  JobLog,
  JobQuery,
  OutputStream,
  ProcessListener,
  Spool,
  Supervisor,
} from "./ports.ts";

interface BrokerParts extends AdmissionParts {
  readonly supervisor: Supervisor;
  readonly spool: Spool;
  readonly history: JobHistory;
  readonly bus: EventBus;
  readonly log: JobLog;
}

/** Owns the jobs of this server, grants aliases and carries out the use cases. */
export class Broker {
  readonly #parts: BrokerParts;
  readonly #active = new Map<JobId, ActiveJob>();
  readonly #admission: Admission;
  #draining = false;
  #onIdle: (() => void) | null = null;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
  }

  /** True from the first call of `drain` on. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Jobs that have not ended. */
  get runningJobs(): number {
    return this.#active.size;
  }

  /**
   * Executes a command whose stdout is for the caller. Throws `ErrandError`: `shutting-down`, `too-many-jobs`,
   * `already-running`, `invalid-spec`, `start-failed`. A start that failed leaves a record and frees the alias.
   */
  startAttached(spec: JobSpec, origin: Origin): ActiveJob {
    const { number, active } = this.#admit(spec, origin);
    try {
      const process = this.#parts.supervisor.startAttached(number, spec, this.#listener(active, spec, null));
      active.bindAttached(process);
      this.#executed(active, process.pid);
      return active;
    } catch (error) {
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /**
   * Executes a command whose output is kept; it runs on whatever the caller does. Its spec is on disk before it is
   * executed. Throws what `startAttached` throws, and `storage-full`.
   */
  async startBackground(spec: JobSpec, origin: Origin): Promise<ActiveJob> {
    const { number, active } = this.#admit(spec, origin);
    let files: JobFiles | null = null;
    try {
      files = await this.#parts.spool.create(active.job as StartingJob, spec);
      if (this.#draining) throw this.#shuttingDown();
      const listener = this.#listener(active, spec, files);
      const process = this.#parts.supervisor.startSpooled(number, spec, listener, files);
      active.bind(process);
      files.started(this.#executed(active, process.pid));
      active.stopIfWanted();
      return active;
    } catch (error) {
      files?.discard();
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** Executes a command and lets it go. Throws what `startAttached` throws. */
  startDetached(spec: JobSpec, origin: Origin): DetachedJob {
    const { active } = this.#admit(spec, origin);
    const { clock, supervisor, history, log } = this.#parts;
    try {
      const pid = supervisor.startDetached(spec);
      const job = active.apply({ type: "released", at: clock.now(), pid }) as DetachedJob;
      this.#settled(job);
      log.started(job);
      // Nothing but the record tells of it.
      history.flush();
      return job;
    } catch (error) {
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** The job of that id as it is now, from memory or from the history. */
  get(id: JobId): Job | undefined {
    return this.#active.get(id)?.job ?? this.#recorded(id);
  }

  /** Forgets an ended job and its output. Undefined: no such job. Throws `still-running`. */
  forget(id: JobId): Job | undefined {
    const job = this.get(id);
    if (job === undefined) return undefined;
    if (isLive(job)) throw new ErrandError("still-running", `job ${id} has not ended: stop it first`);
    this.#parts.spool.remove(id);
    this.#parts.history.forget([id]);
    return job;
  }

  /** Bytes of a job's output that are kept by now; null when none is. */
  outputBytes(id: JobId, stream: OutputStream): number | null {
    return this.#parts.spool.size(id, stream);
  }

  /** At most `length` bytes of kept output from the offset; fewer at its end. */
  readOutput(id: JobId, stream: OutputStream, offset: number, length: number): Promise<Uint8Array> {
    return this.#parts.spool.read(id, stream, offset, length);
  }

  /** Jobs, newest first. */
  list(query: JobQuery): Job[] {
    return this.#parts.history.list(query);
  }

  /** The job when it has ended, or as it is when the wait is over; waiting never stops it. Undefined: no such job. */
  async wait(id: JobId, seconds: number): Promise<Job | undefined> {
    const active = this.#active.get(id);
    if (active === undefined || seconds <= 0) return this.get(id);
    return new Promise((resolve) => {
      const forget = active.onEnd(() => {
        cancel();
        resolve(this.get(id));
      });
      const cancel = this.#parts.clock.after(seconds * 1_000, () => {
        forget();
        resolve(active.job);
      });
    });
  }

  /** Stops a job's tree and answers when it is gone. A job that has ended is given back as it is. */
  async stop(id: JobId, graceSeconds: number): Promise<Job | undefined> {
    const active = this.#active.get(id);
    if (active === undefined) return this.#recorded(id);
    return new Promise((resolve) => {
      active.onEnd(() => resolve(this.get(id)));
      active.stop("stopped", graceSeconds);
    });
  }

  /** Stops the tree of a job whose client has gone. */
  disconnect(active: ActiveJob): void {
    active.stop("disconnected", this.#parts.limits.disconnectGraceSeconds);
  }

  /** Life-cycle events of all jobs from now on. */
  subscribe(): Subscription {
    return this.#parts.bus.subscribe();
  }

  /** Takes no new jobs, lets running ones end by themselves for the drain time, then stops them; resolves when none is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#active.size === 0) return;
    const { clock, limits } = this.#parts;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    const cancel = clock.after(limits.shutdownDrainSeconds * 1_000, () =>
      this.#stopAll("shutdown", limits.stopGraceSeconds),
    );
    await idle;
    cancel();
  }

  /** Kills every tree without grace; for a second signal during `drain`. */
  killAll(): void {
    this.#draining = true;
    this.#stopAll("shutdown", 0);
  }

  #stopAll(reason: StopReason, graceSeconds: number): void {
    for (const active of this.#active.values()) active.stop(reason, graceSeconds);
  }

  /** A record whose time is over is as good as gone. */
  #recorded(id: JobId): Job | undefined {
    const job = this.#parts.history.get(id);
    if (job === undefined) return undefined;
    const end = expiresAt(job);
    return end !== null && end <= this.#parts.clock.wall() ? undefined : job;
  }

  #shuttingDown(): ErrandError {
    return new ErrandError(
      "shutting-down",
      "the server takes no new jobs",
      this.#parts.limits.shutdownDrainSeconds,
    );
  }

  /** Takes a job in: from here on it counts, and holds its alias. */
  #admit(spec: JobSpec, origin: Origin): { readonly number: bigint; readonly active: ActiveJob } {
    if (this.#draining) throw this.#shuttingDown();
    const { number, job } = this.#admission.admit(spec, origin, this.#active.size);
    const active = new ActiveJob(job);
    this.#active.set(job.id, active);
    return { number, active };
  }

  #listener(active: ActiveJob, spec: JobSpec, files: JobFiles | null): ProcessListener {
    return {
      limitReached: (reason) => this.#limitReached(active, spec, reason),
      exited: (exit) => this.#exited(active, exit),
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

  #limitReached(active: ActiveJob, spec: JobSpec, reason: LimitReason): void {
    active.stop(reason, spec.stopGraceSeconds ?? this.#parts.limits.stopGraceSeconds);
  }

  #exited(active: ActiveJob, exit: Exit): void {
    active.apply({ type: "exited", exit });
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
    this.#active.delete(job.id);
    if (job.alias !== null) this.#parts.aliases.release(job.alias, job.id);
    this.#parts.history.put(job);
    if (this.#active.size === 0) this.#onIdle?.();
  }
}

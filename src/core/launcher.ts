import { ActiveJob } from "./activeJob.ts";
import { Admission, type AdmissionParts, type Origin } from "./admission.ts";
import { AliasLines } from "./aliasLines.ts";
import { Attendance } from "./attendance.ts";
import { ErrandError, toErrandError } from "./errors.ts";
import {
  type DetachedJob,
  type DisconnectPolicy,
  type Exit,
  isLive,
  type Job,
  type JobId,
  type JobSpec,
  type OutputSummary,
  type StartingJob,
} from "./job.ts";
import type { Launch } from "./launch.ts";
import { JobLives, type LivesParts } from "./lives.ts";
import type { JobFiles, ProcessListener, Spool, Supervisor } from "./ports.ts";
import { listenToShim } from "./shimListener.ts";
import type { ShimListener, Shims, Survivor } from "./shimPorts.ts";
import { serverEndedFirst } from "./transitions.ts";

export interface LauncherParts extends AdmissionParts, LivesParts {
  readonly supervisor: Supervisor;
  /** null where the system has none: then no job survives. */
  readonly shims: Shims | null;
  readonly spool: Spool;
}

/** Starts jobs and carries them through their lives, until they are nobody's any more. */
export class Launcher {
  /** Jobs that have not ended. */
  readonly active = new Map<JobId, ActiveJob>();
  readonly #parts: LauncherParts;
  readonly #admission: Admission;
  readonly #lines: AliasLines;
  readonly #lives: JobLives;
  #closed = false;
  #onIdle: (() => void) | null = null;

  constructor(parts: LauncherParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
    this.#lines = new AliasLines(parts.limits.queuedJobs);
    this.#lives = new JobLives(parts, (job) => this.#settled(job));
  }

  /** True when no new jobs are taken. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Takes no new jobs; those that wait in a line are refused. */
  close(): void {
    this.#closed = true;
    for (const { active } of this.#lines.clear()) this.#dismiss(active, this.#shuttingDown(serverEndedFirst));
  }

  /** Resolves when no job is left but those that survive this server. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#lookWhetherIdle();
    });
  }

  #lookWhetherIdle(): void {
    if (this.#onIdle === null) return;
    for (const active of this.active.values()) if (!active.survives) return;
    this.#onIdle();
  }

  /** See `Broker.startAttached`. */
  attached(spec: JobSpec, origin: Origin): ActiveJob {
    const launch = this.#admit(spec, origin);
    const { active, number } = launch;
    try {
      const process = this.#parts.supervisor.startAttached(number, spec, this.#listener(launch, null));
      active.bindAttached(process);
      this.#lives.executed(active, process.pid, this.#parts.clock.now());
      return active;
    } catch (error) {
      this.#lives.refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** See `Broker.startBackground`. */
  async spooled(wanted: JobSpec, origin: Origin, onAdmitted?: (id: JobId) => void): Promise<ActiveJob> {
    const spec = { ...wanted, survive: wanted.survive && this.#parts.shims !== null };
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
    const { clock, supervisor } = this.#parts;
    try {
      const pid = supervisor.startDetached(spec);
      return this.#lives.released(active, pid, clock.now());
    } catch (error) {
      this.#lives.refused(active, toErrandError(error).message);
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
    this.#lives.refused(active, failure.message);
    active.announceLaunch(failure);
  }

  /** Throws when the server has begun to end while the job's files were made. */
  #checkOpen({ waited }: Job): void {
    if (this.#closed) throw this.#shuttingDown(waited && serverEndedFirst);
  }

  #shuttingDown(message = "the server takes no new jobs"): ErrandError {
    return new ErrandError("shutting-down", message, this.#parts.limits.shutdownDrainSeconds);
  }

  #holder(alias: string): ActiveJob | undefined {
    const id = this.#parts.aliases.holder(alias);
    return id === undefined ? undefined : this.active.get(id);
  }

  /** Takes a job in: from here on it counts, and holds its alias. */
  #admit(spec: JobSpec, origin: Origin): Launch {
    if (this.#closed) throw this.#shuttingDown();
    const { number, job } = this.#admission.admit(spec, origin, this.active.size);
    const active = new ActiveJob(job);
    this.#enter(active, spec.onDisconnect);
    return { number, active, spec };
  }

  #enqueue(spec: JobSpec & { readonly alias: string }, origin: Origin): Launch {
    if (this.#closed) throw this.#shuttingDown();
    const { number, job } = this.#admission.queue(spec, origin, this.#lines.length);
    const launch = { number, active: new ActiveJob(job), spec };
    this.#lines.add(launch, spec.aliasPolicy === "replace" ? "first" : "last");
    this.#parts.history.put(job);
    this.#enter(launch.active, spec.onDisconnect);
    return launch;
  }

  #enter(active: ActiveJob, policy: DisconnectPolicy): void {
    const { clock, limits } = this.#parts;
    const onAbandoned = () => {
      if (!this.unqueue(active)) active.stop("disconnected", limits.disconnectGraceSeconds);
    };
    if (policy !== "detach") active.attendance = new Attendance({ policy, clock, onAbandoned });
    this.active.set(active.job.id, active);
  }

  async #launch(launch: Launch, onAdmitted?: (id: JobId) => void): Promise<ActiveJob> {
    const { active, spec } = launch;
    try {
      onAdmitted?.(active.job.id);
      const { shims } = this.#parts;
      if (spec.survive && shims !== null) await this.#launchSurviving(launch, shims);
      else await this.#launchSpooled(launch);
      return active;
    } catch (error) {
      // One that was lost on the way is settled already.
      if (isLive(active.job)) this.#lives.refused(active, toErrandError(error).message);
      active.announceLaunch(error);
      throw error;
    }
  }

  async #launchSpooled(launch: Launch): Promise<void> {
    const { number, active, spec } = launch;
    const { spool, supervisor } = this.#parts;
    const files = await spool.create(active.job as StartingJob, spec);
    try {
      this.#checkOpen(active.job);
      files.onWrite(() => active.announceOutput());
      const process = supervisor.startSpooled(number, spec, this.#listener(launch, files), files);
      active.bind(process);
      files.started(this.#lives.executed(active, process.pid, this.#parts.clock.now()));
    } catch (error) {
      files.discard();
      throw error;
    }
    active.announceLaunch(null);
    active.stopIfWanted();
  }

  async #launchSurviving({ active, spec }: Launch, shims: Shims): Promise<void> {
    const { spool } = this.#parts;
    const job = active.job as StartingJob;
    const files = await spool.prepare(job, spec);
    try {
      this.#checkOpen(active.job);
      await shims.start(job, { spec, files }, this.#shimListener(active));
    } catch (error) {
      if (isLive(active.job)) files.discard();
      throw error;
    }
  }

  /** Takes over a job of an earlier server, whose shim is to tell the listener how it stands. */
  adopt({ job, onDisconnect, started }: Survivor): ShimListener {
    const active = new ActiveJob(job, { isAdopted: true });
    if (job.alias !== null) this.#parts.aliases.claim(job.alias, job.id);
    this.#enter(active, onDisconnect);
    // Its shim may be halted: that it runs is known all the same.
    if (started !== null)
      this.#lives.executed(active, started.pid, { wall: started.startedAt, monotonic: 0 });
    return this.#shimListener(active);
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

  #shimListener(active: ActiveJob): ShimListener {
    const { spool } = this.#parts;
    return listenToShim(active, { lives: this.#lives, spool, onStarted: () => this.#lookWhetherIdle() });
  }

  #finished(active: ActiveJob, files: JobFiles | null, output: OutputSummary, detail: string | null): void {
    const at = this.#parts.clock.now();
    this.#lives.over(active, { type: "finished", at, output, detail }, (job) => files?.ended(job));
  }

  /** The job is over for this server. */
  #settled(job: Job): void {
    const { aliases } = this.#parts;
    this.active.delete(job.id);
    if (job.alias !== null && aliases.release(job.alias, job.id)) this.#launchNext(job.alias);
    this.#lookWhetherIdle();
  }
}

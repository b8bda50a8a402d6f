import { ActiveJob } from "./activeJob.ts";
import { ErrandError, toErrandError } from "./errors.ts";
import type { EventBus, Subscription } from "./eventBus.ts";
import type { IdSource } from "./ids.ts";
import type { Exit, Job, JobId, JobSpec, OutputSummary, StopReason } from "./job.ts";
import type { Limits } from "./limits.ts";
import type { AliasClaims, Clock, JobHistory, JobLog, JobQuery, Supervisor } from "./ports.ts";

/** Who asks, and through which door. */
export interface Origin {
  readonly owner: string;
  readonly door: string;
}

interface BrokerParts {
  readonly node: string;
  readonly supervisor: Supervisor;
  readonly history: JobHistory;
  readonly aliases: AliasClaims;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly bus: EventBus;
  readonly limits: Limits;
  readonly log: JobLog;
}

/** Seconds after which a refused start may succeed. */
const retryAfterSeconds = 1;

/** Owns the jobs of this server, grants aliases and carries out the use cases. */
export class Broker {
  readonly #parts: BrokerParts;
  readonly #active = new Map<JobId, ActiveJob>();
  #draining = false;
  #onIdle: (() => void) | null = null;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
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
   * Executes a command. Throws `ErrandError`: `shutting-down`, `too-many-jobs`, `already-running`, `invalid-spec`,
   * `start-failed`. A start that failed leaves a record and frees the alias.
   */
  start(spec: JobSpec, { owner, door }: Origin): ActiveJob {
    const { clock, ids, node, limits, supervisor, history, bus, log } = this.#parts;
    if (this.#draining) {
      throw new ErrandError("shutting-down", "the server takes no new jobs", limits.shutdownDrainSeconds);
    }
    if (this.#active.size >= limits.maxRunningJobs) {
      const allowed = `${limits.maxRunningJobs} jobs are running, which is the limit (maxRunningJobs)`;
      throw new ErrandError("too-many-jobs", allowed, retryAfterSeconds);
    }
    // Read before the id is made, so that a list since this time holds this job.
    const createdAt = clock.wall();
    const number = ids.next();
    const id = number.toString();
    this.#claim(spec, id);
    const active = new ActiveJob({
      state: "starting",
      id,
      node,
      owner,
      door,
      command: spec.command,
      cwd: spec.cwd,
      alias: spec.alias,
      createdAt,
    });
    try {
      const process = supervisor.start(number, spec, {
        exited: (exit) => this.#exited(active, exit),
        finished: (output, detail) => this.#finished(active, output, detail),
      });
      active.bind(process);
      const job = active.apply({ type: "executed", at: clock.now(), pid: process.pid });
      this.#active.set(id, active);
      history.put(job);
      log.started(job);
      bus.publish({ type: "started", job });
      return active;
    } catch (error) {
      this.#refused(active, toErrandError(error).message);
      throw error;
    }
  }

  /** The job of that id as it is now, from memory or from the history. */
  get(id: JobId): Job | undefined {
    return this.#active.get(id)?.job ?? this.#parts.history.get(id);
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
    if (active === undefined) return this.#parts.history.get(id);
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

  #claim({ alias }: JobSpec, id: JobId): void {
    if (alias === null) return;
    if (this.#parts.aliases.claim(alias, id)) return;
    throw new ErrandError("already-running", `a job with the alias ${JSON.stringify(alias)} is running`);
  }

  #refused(active: ActiveJob, failure: string): void {
    const { clock, history, bus, log } = this.#parts;
    const job = active.apply({ type: "refused", at: clock.now(), failure });
    this.#release(job);
    history.put(job);
    log.ended(job);
    bus.publish({ type: "failed", job });
  }

  #exited(active: ActiveJob, exit: Exit): void {
    active.apply({ type: "exited", exit });
  }

  #finished(active: ActiveJob, output: OutputSummary, detail: string | null): void {
    const { clock, history, bus, log } = this.#parts;
    const job = active.apply({ type: "finished", at: clock.now(), output, detail });
    this.#active.delete(job.id);
    this.#release(job);
    history.put(job);
    log.ended(job);
    bus.publish({ type: "ended", job });
    active.announceEnd();
    if (this.#active.size === 0) this.#onIdle?.();
  }

  #release({ alias, id }: Job): void {
    if (alias !== null) this.#parts.aliases.release(alias, id);
  }
}

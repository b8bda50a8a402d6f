import type { ActiveJob } from "./activeJob.ts";
import type { Origin } from "./admission.ts";
import { ErrandError } from "./errors.ts";
import type { Subscription } from "./eventBus.ts";
import {
  type DetachedJob,
  expiresAt,
  isLive,
  type Job,
  type JobId,
  type JobSpec,
  type StopReason,
  type TerminalSize,
} from "./job.ts";
import { Launcher, type LauncherParts } from "./launcher.ts";
import type { JobQuery, OutputReader, OutputStream } from "./ports.ts";
import { untilReached } from "./reach.ts";
import type { ShimListener, Survivor } from "./shimPorts.ts";

/** Owns the jobs of this server, grants aliases and carries out the use cases. */
export class Broker {
  readonly #parts: LauncherParts;
  readonly #launcher: Launcher;

  constructor(parts: LauncherParts) {
    this.#parts = parts;
    this.#launcher = new Launcher(parts);
  }

  /** True from the first call of `drain` on. */
  get draining(): boolean {
    return this.#launcher.isClosed;
  }

  /** True where jobs can go on without their server. */
  get canSurvive(): boolean {
    return this.#parts.shims !== null;
  }

  /** Jobs that have not ended. */
  get runningJobs(): number {
    return this.#launcher.active.size;
  }

  /**
   * Executes a command whose stdout is for the caller. Throws `ErrandError`: `shutting-down`, `too-many-jobs`,
   * `already-running`, `invalid-spec`, `start-failed`. A start that failed leaves a record and frees the alias.
   */
  startAttached(spec: JobSpec, origin: Origin): ActiveJob {
    return this.#launcher.attached(spec, origin);
  }

  /**
   * Executes a command whose output is kept; it runs on whatever the caller does. Its spec is on disk before it is
   * executed. While another job has the alias, the spec's policy decides: the answer may be that job (`join`), or one
   * that waits (`queue`). `onAdmitted` hears the id before anything is executed. Throws what `startAttached` throws, and
   * `storage-full`.
   */
  startBackground(spec: JobSpec, origin: Origin, onAdmitted?: (id: JobId) => void): Promise<ActiveJob> {
    return this.#launcher.spooled(spec, origin, onAdmitted);
  }

  /** Executes a command and lets it go. Throws what `startAttached` throws. */
  startDetached(spec: JobSpec, origin: Origin): DetachedJob {
    return this.#launcher.detached(spec, origin);
  }

  /** Takes over a job that has survived its server; its shim tells the listener how it stands. */
  adopt(survivor: Survivor): ShimListener {
    return this.#launcher.adopt(survivor);
  }

  /**
   * Resolves when a job that runs can be told something: at once, unless its shim has not answered this server yet.
   * Throws `internal` when that takes too long; `gone` is who waits.
   */
  async reach(id: JobId, gone: AbortSignal): Promise<void> {
    const active = this.#launcher.active.get(id);
    if (active !== undefined) await untilReached(active, this.#parts.clock, gone);
  }

  /** The job while it is this server's and has not ended. */
  active(id: JobId): ActiveJob | undefined {
    return this.#launcher.active.get(id);
  }

  /** Opens a job's kept output in the order in which it came; null when nothing of it is kept. Close it. */
  follow(id: JobId): OutputReader | null {
    return this.#parts.spool.follow(id);
  }

  /** The job of that id as it is now, from memory or from the history. */
  get(id: JobId): Job | undefined {
    return this.#launcher.active.get(id)?.job ?? this.#recorded(id);
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

  /**
   * The job when it has ended, or as it is when the wait is over or `gone`, who waited; waiting never stops it.
   * Undefined: no such job.
   */
  async wait(id: JobId, seconds: number, gone?: AbortSignal): Promise<Job | undefined> {
    const active = this.#launcher.active.get(id);
    if (active === undefined || seconds <= 0 || gone?.aborted) return this.get(id);
    return new Promise((resolve) => {
      const over = (job: Job | undefined) => {
        cancel();
        forget();
        gone?.removeEventListener("abort", leave);
        resolve(job);
      };
      const leave = () => over(active.job);
      const forget = active.onEnd(() => over(this.get(id)));
      const cancel = this.#parts.clock.after(seconds * 1_000, leave);
      gone?.addEventListener("abort", leave);
    });
  }

  /**
   * Stops a job's tree and answers when it is gone. A job that has ended is given back as it is; throws `not-running` for
   * one that was let go.
   */
  async stop(id: JobId, graceSeconds: number): Promise<Job | undefined> {
    const active = this.#launcher.active.get(id);
    if (active === undefined) {
      const job = this.#recorded(id);
      if (job?.state !== "detached") return job;
      const why = "it was let go when it was started, and whether it runs is not known here";
      throw new ErrandError("not-running", `job ${id} is detached: ${why}`);
    }
    if (this.#launcher.unqueue(active)) return this.get(id);
    return new Promise((resolve) => {
      active.onEnd(() => resolve(this.get(id)));
      active.stop("stopped", graceSeconds);
    });
  }

  /** Gives a job's terminal another size. Undefined: no such job. Throws `no-terminal`, `not-running`. */
  resize(id: JobId, size: TerminalSize): Job | undefined {
    const job = this.get(id);
    if (job === undefined) return undefined;
    if (job.tty === null) throw new ErrandError("no-terminal", `job ${id} was started without a terminal`);
    if (this.active(id)?.resize(size)) return this.get(id);
    throw new ErrandError("not-running", `job ${id} does not run: its state is ${job.state}`);
  }

  /** Stops the tree of a job whose client has gone. */
  disconnect(active: ActiveJob): void {
    active.stop("disconnected", this.#parts.limits.disconnectGraceSeconds);
  }

  /** Life-cycle events of all jobs from now on. */
  subscribe(): Subscription {
    return this.#parts.bus.subscribe();
  }

  /** Takes no new jobs, leaves those alone that survive, lets the others end by themselves for the drain time, then stops them; resolves when none is left. */
  async drain(): Promise<void> {
    const { clock, limits } = this.#parts;
    this.#launcher.close();
    const cancel = clock.after(limits.shutdownDrainSeconds * 1_000, () =>
      this.#stopAll("shutdown", limits.stopGraceSeconds),
    );
    await this.#launcher.idle();
    cancel();
  }

  /** Kills every tree without grace; for a second signal during `drain`. */
  killAll(): void {
    this.#launcher.close();
    this.#stopAll("shutdown", 0);
  }

  #stopAll(reason: StopReason, graceSeconds: number): void {
    for (const active of this.#launcher.active.values())
      if (!active.job.survive) active.stop(reason, graceSeconds);
  }

  /** A record whose time is over is as good as gone. */
  #recorded(id: JobId): Job | undefined {
    const job = this.#parts.history.get(id);
    if (job === undefined) return undefined;
    const end = expiresAt(job);
    return end !== null && end <= this.#parts.clock.wall() ? undefined : job;
  }
}

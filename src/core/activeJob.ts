import type { Attendance } from "./attendance.ts";
import type { Job, StopReason, TerminalSize } from "./job.ts";
import type { AttachedOutput, AttachedProcess, SupervisedProcess } from "./ports.ts";
import { type JobEvent, transition } from "./transitions.ts";

/** A job of this server that has not ended yet, with the process behind it. */
export class ActiveJob {
  #job: Job;
  #process: SupervisedProcess | null = null;
  #output: AttachedOutput | null = null;
  #wanted: { readonly reason: StopReason; readonly graceSeconds: number } | null = null;
  #attendance: Attendance | null = null;
  #isFollowed = false;
  #launchFailure: unknown = null;
  readonly #launchWaiters = new Set<() => void>();
  readonly #endWaiters = new Set<(job: Job) => void>();
  readonly #watchers = new Set<() => void>();
  readonly #resizeWatchers = new Set<(size: TerminalSize) => void>();
  #terminalSize: TerminalSize | null;

  readonly #isAdopted: boolean;

  constructor(job: Job, { isAdopted = false } = {}) {
    this.#job = job;
    this.#isAdopted = isAdopted;
    this.#terminalSize = job.tty;
  }

  /** The job as it is now. */
  get job(): Job {
    return this.#job;
  }

  /** stdout of an attached job; there is one from the moment the command has been executed. */
  get output(): AttachedOutput {
    if (this.#output === null) throw new Error(`job ${this.#job.id} has no reader`);
    return this.#output;
  }

  /** The process; null until the command has been executed, and in an adopted job until its shim has answered. */
  get process(): SupervisedProcess | null {
    return this.#process;
  }

  /** Moves the job along the transition table. */
  apply(event: JobEvent): Job {
    this.#job = transition(this.#job, event);
    return this.#job;
  }

  /** Binds the process once the command has been executed. */
  bind(process: SupervisedProcess): void {
    this.#process = process;
    if (this.#isFollowed) process.noteFollower?.();
  }

  /** The same for a process with a reader. */
  bindAttached(process: AttachedProcess): void {
    this.#process = process;
    this.#output = process.output;
  }

  /** What happens when nobody follows it any more. */
  set attendance(attendance: Attendance) {
    this.#attendance = attendance;
  }

  /** One more follows it; the function given back tells that it has gone. */
  attend(): () => void {
    if (this.#attendance === null) return () => {};
    if (!this.#isFollowed) this.#process?.noteFollower?.();
    this.#isFollowed = true;
    return this.#attendance.enter();
  }

  /** The size of its terminal as it is now; null when it has none. */
  get terminalSize(): TerminalSize | null {
    return this.#terminalSize;
  }

  /** Gives its terminal another size, of which those who watch are told; false when it has none, or does not run. */
  resize(size: TerminalSize): boolean {
    if (this.#process?.resize(size) !== true) return false;
    const before = this.#terminalSize;
    this.#terminalSize = size;
    if (before?.cols === size.cols && before.rows === size.rows) return true;
    for (const watcher of this.#resizeWatchers) watcher(size);
    return true;
  }

  /** Calls back whenever its terminal has got another size; the function given back ends that. */
  onResize(callback: (size: TerminalSize) => void): () => void {
    this.#resizeWatchers.add(callback);
    return () => this.#resizeWatchers.delete(callback);
  }

  /** Stops the tree; the first reason is the one that is told. A job that has ended is left as it is. */
  stop(reason: StopReason, graceSeconds: number): void {
    if (this.#job.state === "starting" || this.isUnreached) this.#wanted ??= { reason, graceSeconds };
    if (this.#process === null || this.#job.state !== "running") return;
    this.apply({ type: "stop", reason });
    this.#process.stop(graceSeconds, reason);
  }

  /** True for one that its server leaves running when it ends. */
  get survives(): boolean {
    return this.#job.survive && (this.#job.state === "running" || this.#isAdopted);
  }

  /** True while what supervises it is known to live, and has not answered this server. */
  get isUnreached(): boolean {
    return this.#job.state === "running" && this.#process === null;
  }

  /** Carries out a stop that was asked for before there was a process that could be told. */
  stopIfWanted(): void {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) this.stop(wanted.reason, wanted.graceSeconds);
  }

  /** True when the server had a hand in the job's end. */
  get wasStopped(): boolean {
    const job = this.#job;
    if (job.state === "running") return job.stop !== null;
    return job.state === "ended" && job.outcome.reason !== "exited" && job.outcome.reason !== "signaled";
  }

  /** Resolves with this when the command has been executed; rejects with why it could not be. */
  async launched(): Promise<ActiveJob> {
    if (this.#process === null && this.#launchFailure === null) {
      await new Promise<void>((resolve) => {
        this.#launchWaiters.add(resolve);
      });
    }
    if (this.#launchFailure !== null) throw this.#launchFailure;
    return this;
  }

  /** Tells those who wait for the execution; `failure` is null when it has succeeded. */
  announceLaunch(failure: unknown): void {
    this.#launchFailure = failure;
    callAll(this.#launchWaiters);
    this.announceOutput();
  }

  /** Calls back once when the job has ended; the function given back takes that back. */
  onEnd(callback: (job: Job) => void): () => void {
    this.#endWaiters.add(callback);
    return () => this.#endWaiters.delete(callback);
  }

  /** Tells all who wait. */
  announceEnd(): void {
    this.#attendance?.close();
    const waiters = [...this.#endWaiters];
    this.#endWaiters.clear();
    for (const waiter of waiters) waiter(this.#job);
    this.announceOutput();
  }

  /** Calls back whenever something has happened that a follower wants to see; the function given back ends that. */
  onChange(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** More output is kept, or the job has changed. */
  announceOutput(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function callAll(waiters: Set<() => void>): void {
  const all = [...waiters];
  waiters.clear();
  for (const waiter of all) waiter();
}

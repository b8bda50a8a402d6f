import type { Job, StopReason } from "./job.ts";
import type { AttachedOutput, AttachedProcess, SupervisedProcess } from "./ports.ts";
import { type JobEvent, transition } from "./transitions.ts";

/** A job of this server that has not ended yet, with the process behind it. */
export class ActiveJob {
  #job: Job;
  #process: SupervisedProcess | null = null;
  #output: AttachedOutput | null = null;
  #wanted: { readonly reason: StopReason; readonly graceSeconds: number } | null = null;
  readonly #waiters: ((job: Job) => void)[] = [];

  constructor(job: Job) {
    this.#job = job;
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

  /** Moves the job along the transition table. */
  apply(event: JobEvent): Job {
    this.#job = transition(this.#job, event);
    return this.#job;
  }

  /** Binds the process once the command has been executed. */
  bind(process: SupervisedProcess): void {
    this.#process = process;
  }

  /** The same for a process with a reader. */
  bindAttached(process: AttachedProcess): void {
    this.#process = process;
    this.#output = process.output;
  }

  /** Stops the tree; the first reason is the one that is told. A job that has ended is left as it is. */
  stop(reason: StopReason, graceSeconds: number): void {
    if (this.#job.state === "starting") this.#wanted ??= { reason, graceSeconds };
    if (this.#process === null || this.#job.state !== "running") return;
    this.apply({ type: "stop", reason });
    this.#process.stop(graceSeconds);
  }

  /** Carries out a stop that was asked for before the command had been executed. */
  stopIfWanted(): void {
    if (this.#wanted !== null) this.stop(this.#wanted.reason, this.#wanted.graceSeconds);
  }

  /** True when the server had a hand in the job's end. */
  get wasStopped(): boolean {
    const job = this.#job;
    if (job.state === "running") return job.stop !== null;
    return job.state === "ended" && job.outcome.reason !== "exited" && job.outcome.reason !== "signaled";
  }

  /** Calls back once when the job has ended; the function given back takes that back. */
  onEnd(callback: (job: Job) => void): () => void {
    this.#waiters.push(callback);
    return () => {
      const index = this.#waiters.indexOf(callback);
      if (index >= 0) this.#waiters.splice(index, 1);
    };
  }

  /** Tells all who wait. */
  announceEnd(): void {
    for (const waiter of this.#waiters.splice(0)) waiter(this.#job);
  }
}

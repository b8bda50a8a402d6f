import { ErrandError } from "../sdk/errors.ts";
import type { Job } from "../sdk/job.ts";
import { isOver } from "../sdk/jobTypes.ts";
import { isIgnored } from "./ignoredSignals.ts";
import type { Output } from "./output.ts";

const relayed = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
type Relayed = (typeof relayed)[number];

/** A second Ctrl-C within this time stops the job. */
const insistMilliseconds = 1_000;

/** Hands the signals that would end this process on to the job, which then ends as it likes. */
export class SignalRelay {
  readonly #stderr: Output;
  readonly #handlers = new Map<Relayed, () => void>();
  readonly #given = new AbortController();
  #job: Job | null = null;
  #early: Relayed | null = null;
  #interruptedAt = Number.NEGATIVE_INFINITY;
  #isStopping = false;

  /** Begins to listen. */
  constructor(stderr: Output) {
    this.#stderr = stderr;
    for (const signal of relayed) {
      if (isIgnored(signal)) continue;
      const handler = () => this.#take(signal);
      this.#handlers.set(signal, handler);
      process.on(signal, handler);
    }
  }

  /** Aborted when nobody wants to wait any longer: at a third Ctrl-C, and at a second one before the job is there. */
  get givenUp(): AbortSignal {
    return this.#given.signal;
  }

  /** From now on there is somebody to hand signals to. */
  attach(job: Job): void {
    this.#job = job;
    if (this.#early !== null) this.#send(job, this.#early);
  }

  /** Signals end this process again. */
  end(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  #take(signal: Relayed): void {
    const now = performance.now();
    const insists = signal === "SIGINT" && now - this.#interruptedAt < insistMilliseconds;
    if (signal === "SIGINT") this.#interruptedAt = now;
    if (this.#isStopping && signal === "SIGINT") this.#given.abort(new Error("interrupted"));
    else if (this.#job === null && this.#early !== null) this.#given.abort(new Error("interrupted"));
    else if (this.#job === null) this.#early = signal;
    else if (insists) this.#stop(this.#job);
    else this.#send(this.#job, signal);
  }

  #send(job: Job, signal: Relayed): void {
    job.signal(signal).catch(async (error: unknown) => {
      if (!(error instanceof ErrandError && error.code === "not-running"))
        return this.#tell(`${signal}: ${reason(error)}`);
      // It waits in a queue, where no signal can reach it, or it has just ended.
      const record = await job.get().catch(() => null);
      if (record !== null && !isOver(record)) this.#stop(job);
    });
  }

  #stop(job: Job): void {
    this.#isStopping = true;
    job.stop().catch((error: unknown) => this.#tell(`it could not be stopped: ${reason(error)}`));
  }

  #tell(message: string): void {
    this.#stderr.write(`errand: ${message}\n`).catch(() => {});
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

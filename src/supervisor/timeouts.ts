import type { JobSpec, LimitReason } from "../core/job.ts";

type TimeoutSpec = Pick<JobSpec, "runTimeoutSeconds" | "idleTimeoutSeconds">;

/** A timer of the runtime holds no longer time. */
const longestTimerMilliseconds = 2 ** 31 - 1;

/** Watches a command's run and idle timeouts; each is told at most once. */
export class Timeouts {
  readonly #onReached: (reason: LimitReason) => void;
  readonly #idleMilliseconds: number | null;
  #lastOutput = 0;
  #runTimer: Timer | null = null;
  #idleTimer: Timer | null = null;

  /** They begin now. */
  constructor(
    { runTimeoutSeconds, idleTimeoutSeconds }: TimeoutSpec,
    onReached: (reason: LimitReason) => void,
  ) {
    this.#onReached = onReached;
    this.#idleMilliseconds = idleTimeoutSeconds === null ? null : idleTimeoutSeconds * 1_000;
    if (runTimeoutSeconds === null && idleTimeoutSeconds === null) return;
    this.#lastOutput = performance.now();
    if (runTimeoutSeconds !== null) this.#watchRun(this.#lastOutput + runTimeoutSeconds * 1_000);
    if (this.#idleMilliseconds !== null) this.#watchSilence(this.#idleMilliseconds);
  }

  /** Output has come: the silence begins anew. A timer per chunk would cost more than the chunk. */
  noteOutput(): void {
    if (this.#idleMilliseconds !== null) this.#lastOutput = performance.now();
  }

  /** The command has ended. */
  end(): void {
    if (this.#runTimer !== null) clearTimeout(this.#runTimer);
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
  }

  #watchRun(due: number): void {
    const left = due - performance.now();
    if (left <= 0) this.#onReached("timeout");
    else this.#runTimer = setTimeout(() => this.#watchRun(due), Math.min(left, longestTimerMilliseconds));
  }

  #watchSilence(idleMilliseconds: number): void {
    const left = this.#lastOutput + idleMilliseconds - performance.now();
    if (left <= 0) this.#onReached("idle");
    else
      this.#idleTimer = setTimeout(
        () => this.#watchSilence(idleMilliseconds),
        Math.min(left, longestTimerMilliseconds),
      );
  }
}

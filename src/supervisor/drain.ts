import type { OutputSource } from "./outputSource.ts";

interface DrainLimits {
  readonly drainIdleSeconds: number;
  readonly drainMaxSeconds: number;
}

/** A read that takes longer than this has waited for a writer. */
const emptyPipeMilliseconds = 20;

/**
 * Reads a pipe, or a terminal, to its end. After the leader's exit a descendant may still hold it: then it counts as ended when it
 * has been silent for `drainIdleSeconds`, at the latest `drainMaxSeconds` after the exit. What was in the pipe at the
 * exit is read in any case, so that nothing of the leader's is lost to a slow client.
 */
export class DrainedPipe {
  readonly pipe: OutputSource;
  readonly #limits: DrainLimits;
  #waiting = false;
  #idleTimer: Timer | null = null;
  /** When the drain time is over; null while the leader lives. */
  #overAt: number | null = null;
  /** Bytes that may still be the leader's. */
  #owedBytes = 0;
  /** True when it ended while a writer was left. */
  held = false;

  constructor(pipe: OutputSource, limits: DrainLimits) {
    this.pipe = pipe;
    this.#limits = limits;
  }

  /** The leader has ended: from now on the drain times hold. */
  leaderExited(): void {
    this.#overAt = performance.now() + this.#limits.drainMaxSeconds * 1_000;
    this.#owedBytes = this.pipe.unreadBytes();
    if (this.#waiting) this.#waitForSilence();
  }

  /** The next bytes; null at the end. */
  async read(): Promise<Uint8Array | null> {
    if (this.held) return null;
    this.#waiting = true;
    if (this.#overAt !== null) this.#waitForSilence();
    const began = performance.now();
    const chunk = await this.pipe.read();
    this.#waiting = false;
    if (this.#overAt !== null && chunk !== null) this.#count(chunk.byteLength, began, this.#overAt);
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    return chunk;
  }

  #count(bytes: number, began: number, overAt: number): void {
    const now = performance.now();
    // Who has to wait has found the pipe empty: what comes then is not the leader's.
    this.#owedBytes = now - began > emptyPipeMilliseconds ? 0 : this.#owedBytes - bytes;
    if (this.#owedBytes <= 0 && now >= overAt) this.held = true;
  }

  #waitForSilence(): void {
    this.#idleTimer = setTimeout(() => {
      this.held = true;
      this.pipe.interrupt();
    }, this.#limits.drainIdleSeconds * 1_000);
  }
}

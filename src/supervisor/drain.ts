import type { OutputPipe } from "./outputPipe.ts";

interface DrainLimits {
  readonly drainIdleSeconds: number;
  readonly drainMaxSeconds: number;
}

/** A pause between two reads that is longer than this comes from a slow client, not from the command. */
const slowClientMilliseconds = 20;

/**
 * Reads a pipe to its end. After the leader's exit a descendant may still hold it: then it counts as ended when it
 * has been silent for `drainIdleSeconds`, at the latest after `drainMaxSeconds` of reading. Time in which nobody
 * reads, because the client is slow, does not count, so that nothing is lost to a slow client.
 */
export class DrainedPipe {
  readonly #pipe: OutputPipe;
  readonly #limits: DrainLimits;
  #leaderExited = false;
  #waiting = false;
  #timer: Timer | null = null;
  #drainMillisecondsLeft: number;
  #lastReadAt = 0;
  /** True when it ended while a writer was left. */
  held = false;

  constructor(pipe: OutputPipe, limits: DrainLimits) {
    this.#pipe = pipe;
    this.#limits = limits;
    this.#drainMillisecondsLeft = limits.drainMaxSeconds * 1_000;
  }

  /** The leader has ended: from now on the drain times hold. */
  leaderExited(): void {
    this.#leaderExited = true;
    this.#lastReadAt = performance.now();
    if (this.#waiting) this.#arm();
  }

  /** The next bytes; null at the end. */
  async read(): Promise<Uint8Array | null> {
    if (this.held) return null;
    this.#waiting = true;
    if (this.#leaderExited) this.#arm();
    const chunk = await this.#pipe.read();
    this.#waiting = false;
    if (this.#leaderExited) this.#count();
    return chunk;
  }

  /** Takes the time since the last read off the drain time, unless the client was slow in between. */
  #count(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const now = performance.now();
    const elapsed = now - this.#lastReadAt;
    if (elapsed < slowClientMilliseconds + this.#limits.drainIdleSeconds * 1_000) {
      this.#drainMillisecondsLeft -= elapsed;
      if (this.#drainMillisecondsLeft <= 0) this.held = true;
    }
    this.#lastReadAt = now;
  }

  #arm(): void {
    const milliseconds = Math.min(
      this.#limits.drainIdleSeconds * 1_000,
      Math.max(1, this.#drainMillisecondsLeft),
    );
    this.#timer = setTimeout(() => {
      this.held = true;
      this.#pipe.interrupt();
    }, milliseconds);
  }
}

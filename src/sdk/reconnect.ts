import { sleep } from "./cancel.ts";
import { ConnectionError, ErrandError, StreamCut } from "./errors.ts";

/** Before the second try; each one after it waits twice as long. */
const firstPauseSeconds = 0.1;
const longestPauseSeconds = 5;

/** Tries again after a cut, for a limited time without a connection. */
export class Reconnect {
  readonly #seconds: () => number;
  readonly #signal: AbortSignal | undefined;
  /** When the connection was lost, in milliseconds; null while there is one. */
  #since: number | null = null;
  #pauseSeconds = firstPauseSeconds;

  /** `seconds`: the longest time without a connection. */
  constructor(seconds: () => number, signal: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#signal = signal;
  }

  /** Something has come: the time begins anew with the next cut. */
  connected(): void {
    this.#since = null;
    this.#pauseSeconds = firstPauseSeconds;
  }

  /** Waits for the next try. Throws the error when it is none to try again after, or the time is over; `Cancelled`. */
  async pause(error: unknown): Promise<void> {
    if (!isPassing(error)) throw error;
    if (wasHeld(error)) this.connected();
    const now = performance.now();
    this.#since ??= now;
    const leftSeconds = this.#seconds() - (now - this.#since) / 1_000;
    const asked = error instanceof ErrandError ? (error.retryAfterSeconds ?? 0) : 0;
    // Many clients of one server do not come back at once.
    const pause = Math.max(asked, this.#pauseSeconds * (0.5 + Math.random() / 2));
    if (leftSeconds <= 0 || asked > leftSeconds) throw error;
    await sleep(Math.min(pause, leftSeconds), this.#signal);
    this.#pauseSeconds = Math.min(this.#pauseSeconds * 2, longestPauseSeconds);
  }
}

/** True for what may be over at the next try: no answer, or a server that has no room or is about to go. */
export function isPassing(error: unknown): error is ErrandError | ConnectionError {
  if (error instanceof ErrandError) return error.status === 429 || error.status === 503;
  return error instanceof ConnectionError && !(error instanceof StreamCut);
}

/** Node gives up on an answer that is late by its own measure: there was a connection all the time. */
function wasHeld({ cause }: Error): boolean {
  const below = cause instanceof Error ? cause.cause : undefined;
  return below instanceof Error && "code" in below && below.code === "UND_ERR_HEADERS_TIMEOUT";
}

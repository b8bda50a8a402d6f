import type { JobId } from "./job.ts";
import type { Clock, JobHistory, Spool } from "./ports.ts";
import type { DataQuota } from "./quota.ts";

interface RetentionParts {
  readonly clock: Clock;
  readonly history: JobHistory;
  readonly spool: Spool;
  readonly quota: DataQuota;
  /** A job's files cannot be removed. */
  readonly onError: (error: unknown) => void;
}

/** Expired jobs go in steps, so that no step holds up the server. */
const jobsAtOnce = 100;
const stepMilliseconds = 20;
/** A job that ends is noticed at the latest by this look. */
const longestWaitMilliseconds = 1_000;

/** Forgets ended jobs with their files: when their time is over, and the oldest when the data directory is full. */
export class Retention {
  readonly #parts: RetentionParts;
  #cancel: (() => void) | null = null;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    parts.quota.onFull(() => this.#evictOldest());
  }

  /** Begins to look; `stop` ends it. */
  start(): void {
    const { clock, history } = this.#parts;
    const more = this.#forgetExpired();
    const next = history.nextExpiry() ?? Number.POSITIVE_INFINITY;
    const untilNext = next - clock.wall();
    // One that is overdue waits for its callback: it is looked at now and then.
    const idle = untilNext <= 0 ? longestWaitMilliseconds : Math.min(untilNext, longestWaitMilliseconds);
    const wait = more ? stepMilliseconds : idle;
    this.#cancel = clock.after(wait, () => this.start());
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel?.();
  }

  /** True when there are more. */
  #forgetExpired(): boolean {
    const { clock, history } = this.#parts;
    const ids = history.expired(clock.wall(), jobsAtOnce);
    this.#forget(ids);
    return ids.length === jobsAtOnce;
  }

  #evictOldest(): boolean {
    const oldest = this.#parts.history.oldestKept();
    return oldest !== null && this.#forget([oldest]);
  }

  /** Files first: a record without files is harmless, files without a record would be taken for a lost job. */
  #forget(ids: readonly JobId[]): boolean {
    const { history, spool, onError } = this.#parts;
    const gone: JobId[] = [];
    for (const id of ids) {
      try {
        spool.remove(id);
        gone.push(id);
      } catch (error) {
        onError(error);
      }
    }
    if (gone.length > 0) history.forget(gone);
    return gone.length > 0;
  }
}

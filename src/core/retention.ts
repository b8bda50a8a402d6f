import type { JobId } from "./job.ts";
import type { Clock, JobHistory, Spool } from "./ports.ts";
import type { DataQuota } from "./quota.ts";

interface RetentionParts {
  readonly clock: Clock;
  readonly history: JobHistory;
  readonly spool: Spool;
  readonly quota: DataQuota;
  /** What lies in the data directory beside the files of jobs takes so many bytes now. */
  readonly otherBytes: () => number;
  /** A job's files cannot be removed. */
  readonly onError: (error: unknown) => void;
}

/** Expired jobs go in steps, so that no step holds up the server. */
const jobsAtOnce = 100;
const stepMilliseconds = 20;
/** Records go a few at a time, so that no more go than must. */
const recordsAtOnce = 10;
/** Files that could not be removed are tried again after this time. */
const stuckMilliseconds = 1_000;
/** A job that ends is noticed at the latest by this look. */
const longestWaitMilliseconds = 1_000;

/** Records take at most this share of the data directory: above it the oldest go, so that output has room. */
const recordsShare = 0.5;

/** Forgets ended jobs with their files: when their time is over, and the oldest when the data directory is full. */
export class Retention {
  readonly #parts: RetentionParts;
  /** Jobs whose files could not be removed: they are passed over for a while, so that others can go. */
  readonly #stuck = new Set<JobId>();
  #stuckUntil = 0;
  #cancel: (() => void) | null = null;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    parts.quota.onFull(() => this.#evictOldest());
  }

  /** Begins to look; `stop` ends it. */
  start(): void {
    this.#cancel = this.#parts.clock.after(this.#look(), () => this.start());
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel?.();
  }

  /** Milliseconds until the next look. */
  #look(): number {
    const { clock, history, onError } = this.#parts;
    try {
      if (clock.wall() >= this.#stuckUntil) this.#stuck.clear();
      if (this.#trimRecords()) return stepMilliseconds;
      const ids = this.#withoutStuck(history.expired(clock.wall(), jobsAtOnce + this.#stuck.size));
      if (this.#forget(ids) && ids.length >= jobsAtOnce) return stepMilliseconds;
      const untilNext = (history.nextExpiry() ?? Number.POSITIVE_INFINITY) - clock.wall();
      // One that is overdue waits for its callback: it is looked at now and then.
      if (untilNext > 0) return Math.min(untilNext, longestWaitMilliseconds);
    } catch (error) {
      onError(error);
    }
    return longestWaitMilliseconds;
  }

  /** True when there was too much, and perhaps still is. */
  #trimRecords(): boolean {
    const { history, quota, otherBytes } = this.#parts;
    quota.setOther(otherBytes());
    if (quota.otherBytes <= quota.limitBytes * recordsShare) return false;
    const oldest = this.#withoutStuck(history.oldestEnded(recordsAtOnce + this.#stuck.size));
    return oldest.length > 0 && this.#forget(oldest);
  }

  /** True when that has made room. */
  #evictOldest(): boolean {
    const { history, quota, onError } = this.#parts;
    const before = quota.usedBytes;
    try {
      // One whose files have gone already makes no room.
      for (let turn = 0; turn < jobsAtOnce && quota.usedBytes >= before; turn += 1) {
        const [oldest] = this.#withoutStuck(history.oldestKept(1 + this.#stuck.size));
        if (oldest === undefined) break;
        this.#forget([oldest]);
      }
      // Records may have outgrown their share since the last look.
      for (let turn = 0; turn < jobsAtOnce && quota.usedBytes >= before; turn += 1) {
        if (!this.#trimRecords()) break;
      }
    } catch (error) {
      onError(error);
    }
    return quota.usedBytes < before;
  }

  #withoutStuck(ids: readonly JobId[]): JobId[] {
    return ids.filter((id) => !this.#stuck.has(id));
  }

  /**
   * Files first: a record without files is harmless, files without a record would be taken for a lost job. True when all
   * of them are gone.
   */
  #forget(ids: readonly JobId[]): boolean {
    const { clock, history, spool, onError } = this.#parts;
    const gone = ids.filter((id) => {
      try {
        spool.remove(id);
        return true;
      } catch (error) {
        onError(error);
        this.#stuck.add(id);
        this.#stuckUntil = clock.wall() + stuckMilliseconds;
        return false;
      }
    });
    if (gone.length > 0) history.forget(gone);
    return gone.length === ids.length;
  }
}

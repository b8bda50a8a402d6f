import type { Database, Statement } from "bun:sqlite";
import type { Delivery, DeliveryResult, DeliveryState, Outbox } from "../core/callbackPorts.ts";
import type { CallbackEvent, CallbackRequest, Job, JobId } from "../core/job.ts";

interface Row {
  readonly id: string;
  readonly job_id: bigint;
  readonly event: CallbackEvent;
  readonly url: string;
  readonly form: CallbackRequest["form"];
  readonly state: DeliveryState;
  readonly attempts: bigint;
  readonly next_attempt_at: bigint | null;
  readonly last_attempt_at: bigint | null;
  readonly last_status: bigint | null;
  readonly last_error: string | null;
}

/** Id, job, event, url, form, time of the event. */
type Noted = [string, bigint, CallbackEvent, string, string, number];

// A job's later callback waits for the earlier one, and is not told when that one's receiver wants no more.
const noteSql = `
  INSERT OR IGNORE INTO callbacks (id, job_id, event, url, form, state, attempts, next_attempt_at)
  SELECT ?1, ?2, ?3, ?4, ?5, iif(disabled, 'disabled', 'pending'), 0, iif(disabled, NULL, max(?6, earliest))
  FROM (
    SELECT coalesce(max(state = 'disabled'), 0) AS disabled, coalesce(max(next_attempt_at), 0) AS earliest
    FROM callbacks WHERE job_id = ?2
  )`;
const isFirst = `
  NOT EXISTS (
    SELECT 1 FROM callbacks AS earlier
    WHERE earlier.job_id = callbacks.job_id AND earlier.number < callbacks.number AND earlier.state = 'pending'
  )`;
// From the ninth character, since the host begins before it and the path, which every URL here has, after it.
const dueSql = `
  SELECT * FROM callbacks
  WHERE state = 'pending' AND next_attempt_at <= ?1 AND ${isFirst}
    AND substr(url, 1, 8 + instr(substr(url, 9), '/')) NOT IN (SELECT value || '/' FROM json_each(?3))
  ORDER BY next_attempt_at, number LIMIT ?2`;
const nextDueSql = `
  SELECT next_attempt_at FROM callbacks WHERE state = 'pending' AND next_attempt_at > ?1 AND ${isFirst}
  ORDER BY next_attempt_at LIMIT 1`;
const settleSql = `
  UPDATE callbacks SET state = ?2, attempts = ?3, next_attempt_at = ?4, last_attempt_at = ?5, last_status = ?6,
    last_error = ?7
  WHERE id = ?1`;
const othersOfJob = "job_id = (SELECT job_id FROM callbacks WHERE id = ?1) AND state = 'pending'";

/**
 * Callbacks in SQLite. Rows are noted in the transaction that records the job's new state, so neither is there without
 * the other, and stay until the job is forgotten: an event that is noted again is known by its id.
 */
export class SqliteOutbox implements Outbox {
  readonly #database: Database;
  readonly #note: Statement<unknown, Noted>;
  readonly #due: Statement<Row, [number, number, string]>;
  readonly #nextDue: Statement<Pick<Row, "next_attempt_at">, [number]>;
  readonly #ofJob: Statement<Row, [bigint]>;
  readonly #forget: Statement<unknown, [bigint]>;

  /** The database has its newest form, and gives integers as bigint. */
  constructor(database: Database) {
    this.#database = database;
    this.#note = database.prepare(noteSql);
    this.#due = database.prepare(dueSql);
    this.#nextDue = database.prepare(nextDueSql);
    this.#ofJob = database.prepare("SELECT * FROM callbacks WHERE job_id = ? ORDER BY number");
    this.#forget = database.prepare("DELETE FROM callbacks WHERE job_id = ?");
  }

  /**
   * Notes the callbacks that the job's state asks for. Call it in the transaction that writes the job. A state that was
   * never written is made up for: the end of a job tells its start, too, when nobody has yet.
   */
  note(job: Job): void {
    const { callback } = job;
    if (callback === null) return;
    const url = URL.parse(callback.url)?.href ?? callback.url;
    for (const { event, at } of eventsOf(job)) {
      if (!callback.events.includes(event)) continue;
      const id = `msg_${job.id}_${event.slice("job.".length)}`;
      this.#note.run(id, BigInt(job.id), event, url, callback.form, Math.round(at));
    }
  }

  /** As the port says; rows whose URL is of one of these origins are passed over. */
  due(wall: number, count: number, exceptOrigins: readonly string[] = []): Delivery[] {
    return this.#due.all(wall, count, JSON.stringify(exceptOrigins)).map(deliveryOf);
  }

  /** As the port says; only what is due later than `after`. */
  nextDue(after = -1): number | null {
    return toNumber(this.#nextDue.get(after)?.next_attempt_at ?? null);
  }

  settle(id: string, result: DeliveryResult): void {
    const { state, attempts, nextAttemptAt, lastAttemptAt, lastStatus, lastError } = result;
    this.#database.transaction(() => {
      const times = [nextAttemptAt, lastAttemptAt] as const;
      this.#database.query(settleSql).run(id, state, attempts, ...times, lastStatus, lastError);
      if (state === "disabled") this.#disableOthers(id);
      if (nextAttemptAt !== null) this.#holdBack(id, nextAttemptAt);
    })();
  }

  ofJob(id: JobId): Delivery[] {
    return this.#ofJob.all(BigInt(id)).map(deliveryOf);
  }

  resend(id: JobId, wall: number): number {
    const sql =
      "UPDATE callbacks SET state = 'pending', attempts = 0, next_attempt_at = ?2 WHERE job_id = ?1";
    return this.#database.query(sql).run(BigInt(id), Math.round(wall)).changes;
  }

  /** Removes all of these jobs' callbacks. Call it in the transaction that removes the jobs. */
  forget(ids: readonly JobId[]): void {
    for (const id of ids) this.#forget.run(BigInt(id));
  }

  #disableOthers(id: string): void {
    const sql = `UPDATE callbacks SET state = 'disabled', next_attempt_at = NULL WHERE ${othersOfJob}`;
    this.#database.query(sql).run(id);
  }

  /** None of the job's others is tried before; so what waits for an earlier one is not due all the time. */
  #holdBack(id: string, until: number): void {
    const sql = `UPDATE callbacks SET next_attempt_at = max(next_attempt_at, ?2) WHERE ${othersOfJob}`;
    this.#database.query(sql).run(id, until);
  }
}

function eventsOf(job: Job): { event: CallbackEvent; at: number }[] {
  const started =
    "startedAt" in job && job.startedAt !== null
      ? [{ event: "job.started", at: job.startedAt } as const]
      : [];
  switch (job.state) {
    case "queued":
    case "starting":
    case "detached":
      return [];
    case "failed":
      // Of any other the answer to its start has told.
      return job.waited ? [{ event: "job.ended", at: job.endedAt }] : [];
    case "running":
      return started;
    case "ended":
      return [...started, { event: "job.ended", at: job.endedAt }];
    case "lost":
      return [...started, { event: "job.ended", at: job.lostAt }];
  }
}

function deliveryOf(row: Row): Delivery {
  return {
    id: row.id,
    jobId: row.job_id.toString(),
    event: row.event,
    url: row.url,
    form: row.form,
    state: row.state,
    attempts: Number(row.attempts),
    nextAttemptAt: toNumber(row.next_attempt_at),
    lastAttemptAt: toNumber(row.last_attempt_at),
    lastStatus: toNumber(row.last_status),
    lastError: row.last_error,
  };
}

function toNumber(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

import type { Database, Statement } from "bun:sqlite";
import { expiresAt, isLive, type Job, type JobId, type JobState } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { AliasClaims, JobHistory, JobQuery } from "../core/ports.ts";
import { openDatabase } from "./database.ts";
import { SqliteIdempotency } from "./idempotency.ts";
import { listJobs } from "./listJobs.ts";
import { migrate } from "./migrate.ts";
import { SqliteNonces } from "./nonces.ts";
import { SqliteOutbox } from "./outbox.ts";
import { jobsOfNobody, type Recovery, unrecordedJob } from "./recovery.ts";
import { SqliteTokens } from "./tokens.ts";

interface StoreOptions {
  readonly path: string;
  /** A record waits at most this long to be written. */
  readonly flushSeconds: number;
  readonly onError: (error: unknown) => void;
  /** How many nonces and keys are remembered. */
  readonly limits: Pick<Limits, "signatureNonces" | "idempotencyKeys" | "idempotencySeconds">;
}

/** So many records are written at once without waiting for the time. */
const mostPending = 500;
/** After a failed write. */
const retryMilliseconds = 1_000;
/** After forgetting, so many free pages at most go back to the system at once. */
const vacuumPages = 1_000;

/** A job that nobody waits for any more: none of its callbacks is still to be delivered. */
const isSettled =
  "NOT EXISTS (SELECT 1 FROM callbacks WHERE callbacks.job_id = jobs.id AND callbacks.state = 'pending')";

interface Row {
  readonly record: string;
}

/**
 * History and alias claims in SQLite. Records are written behind, many in one transaction, so that a start never waits
 * for the disk; every read writes first what is pending. This process alone has the data directory, so memory decides
 * who holds an alias, and the table tells the next server.
 */
export class Store implements JobHistory, AliasClaims {
  /** Callbacks that are to be delivered. */
  readonly outbox: SqliteOutbox;
  readonly nonces: SqliteNonces;
  readonly idempotency: SqliteIdempotency;
  readonly tokens: SqliteTokens;
  readonly #database: Database;
  readonly #options: StoreOptions;
  readonly #pending = new Map<JobId, Job>();
  readonly #holders = new Map<string, JobId>();
  readonly #put: Statement;
  readonly #get: Statement<Row, [bigint]>;
  readonly #state: Statement<{ state: JobState }, [bigint]>;
  readonly #claim: Statement;
  readonly #release: Statement;
  readonly #forget: Statement;
  #timer: Timer | null = null;
  /** The last write has failed: only the timer tries again. */
  #failing = false;
  #onCallbacks: () => void = () => {};

  /** Opens or makes the database, readable by this user alone. */
  constructor(options: StoreOptions) {
    this.#options = options;
    const database = openDatabase(options.path);
    this.#database = database;
    migrate(database);
    this.outbox = new SqliteOutbox(database);
    this.nonces = new SqliteNonces(database, options.limits.signatureNonces);
    this.idempotency = new SqliteIdempotency(database, options.limits);
    this.tokens = new SqliteTokens(database);
    this.#put = database.prepare(
      "INSERT INTO jobs (id, state, alias, node, record, expires_at, stored_bytes) VALUES (?, ?, ?, ?, ?, ?, ?) " +
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record, " +
        "expires_at = excluded.expires_at, stored_bytes = excluded.stored_bytes",
    );
    this.#get = database.prepare("SELECT record FROM jobs WHERE id = ?");
    this.#state = database.prepare("SELECT state FROM jobs WHERE id = ?");
    this.#claim = database.prepare(
      "INSERT INTO alias_claims (alias, job_id) VALUES (?1, ?2) ON CONFLICT (alias) DO UPDATE SET job_id = ?2",
    );
    this.#forget = database.prepare("DELETE FROM jobs WHERE id = ?");
    this.#release = database.prepare("DELETE FROM alias_claims WHERE alias = ? AND job_id = ?");
  }

  /** The newest id on record, which new ids must come after. */
  newestId(): JobId | undefined {
    const row = this.#database.query<{ id: bigint | null }, []>("SELECT max(id) AS id FROM jobs").get();
    return row?.id?.toString();
  }

  /** Called whenever callbacks have been noted. */
  onCallbacks(callback: () => void): void {
    this.#onCallbacks = callback;
  }

  /** The state on record; null when there is none. */
  stateOf(id: JobId): JobState | null {
    return this.#state.get(BigInt(id))?.state ?? null;
  }

  /** What the files of all ended jobs take on the disk. */
  storedBytes(): number {
    const sql = "SELECT coalesce(sum(stored_bytes), 0) AS bytes FROM jobs WHERE stored_bytes > 0";
    return Number(this.#database.query<{ bytes: bigint }, []>(sql).get()?.bytes ?? 0n);
  }

  /**
   * Marks what a killed server has left alive as lost, or as failed when it was never started, and frees the aliases.
   * `alive` are the ids that it had noted beside the database, of this node. How many jobs are lost.
   */
  recover(alive: Iterable<bigint>, recovery: Recovery): number {
    this.flush();
    const noted = [...alive].map(String);
    const sql = "SELECT record FROM jobs WHERE state IN ('queued', 'starting', 'running')";
    const recorded = this.#database.query<Row, []>(sql).all();
    const left = recorded.map(({ record }) => parse(record)).filter(({ id }) => !this.#pending.has(id));
    const unrecorded = noted
      .filter((id) => this.get(id) === undefined)
      .map((id) => unrecordedJob(id, recovery));
    const gone = [...jobsOfNobody(left, noted, recovery), ...unrecorded];
    for (const job of gone) this.put(job);
    this.flush();
    this.#attempt(() => this.#database.run("DELETE FROM alias_claims"));
    return gone.filter(({ state }) => state === "lost").length;
  }

  claim(alias: string, id: JobId): boolean {
    if (this.#holders.has(alias)) return false;
    this.#holders.set(alias, id);
    return true;
  }

  release(alias: string, id: JobId): boolean {
    return this.#holders.get(alias) === id && this.#holders.delete(alias);
  }

  holder(alias: string): JobId | undefined {
    return this.#holders.get(alias);
  }

  put(job: Job): void {
    this.#pending.set(job.id, job);
    if (this.#pending.size >= mostPending) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.flushSeconds * 1_000);
  }

  get(id: JobId): Job | undefined {
    // What has been told must be on record, whatever comes next.
    if (this.#pending.has(id) && !this.#failing) this.flush();
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending;
    const row = this.#get.get(BigInt(id));
    return row === null ? undefined : parse(row.record);
  }

  list(query: JobQuery): Job[] {
    this.flush();
    return listJobs(this.#database, query).map(({ record }) => parse(record));
  }

  /** Writes what is pending. A failure is told and keeps the records for the next try. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#pending.size === 0) return;
    const noted = [...this.#pending.values()].some(({ callback }) => callback !== null);
    this.#failing = !this.#attempt(() => this.#writePending());
    if (this.#failing) {
      this.#dropOldest();
      this.#timer = setTimeout(() => this.flush(), retryMilliseconds);
    } else if (noted) this.#onCallbacks();
  }

  /** Once more when the disk is full: what the log of writes holds may be worked off first. False when that fails, too. */
  #attempt(write: () => void): boolean {
    try {
      write();
      return true;
    } catch {
      // The failure of the second try is the one that is told.
    }
    try {
      this.#database.run("PRAGMA wal_checkpoint(TRUNCATE)");
      write();
      return true;
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
  }

  #writePending(): void {
    this.#database.transaction(() => {
      for (const job of this.#pending.values()) this.#write(job);
    })();
    this.#pending.clear();
  }

  expired(wall: number, count: number): JobId[] {
    const sql = `SELECT id FROM jobs WHERE expires_at <= ? AND ${isSettled} ORDER BY expires_at LIMIT ?`;
    const rows = this.#database.query<{ id: bigint }, [number, number]>(sql).all(Math.floor(wall), count);
    const written = rows.map(({ id }) => id.toString());
    const waiting = this.#waitingEnded().filter((job) => (expiresAt(job) ?? wall + 1) <= wall);
    return [...new Set([...written, ...waiting.map(({ id }) => id)])].slice(0, count);
  }

  nextExpiry(): number | null {
    const sql = "SELECT min(expires_at) AS next FROM jobs WHERE expires_at IS NOT NULL";
    const next = this.#database.query<{ next: bigint | null }, []>(sql).get()?.next ?? null;
    const waiting = this.#waitingEnded().map((job) => expiresAt(job) ?? Number.POSITIVE_INFINITY);
    const earliest = Math.min(next === null ? Number.POSITIVE_INFINITY : Number(next), ...waiting);
    return Number.isFinite(earliest) ? earliest : null;
  }

  oldestKept(count: number): JobId[] {
    if (!this.#failing) this.flush();
    const sql = `SELECT id FROM jobs WHERE stored_bytes > 0 AND ${isSettled} ORDER BY id LIMIT ?`;
    const written = this.#database.query<{ id: bigint }, [number]>(sql).all(count);
    const waiting = this.#waitingEnded().filter((job) => storedBytesOf(job) > 0);
    const ids = new Set([...written.map(({ id }) => id), ...waiting.map(({ id }) => BigInt(id))]);
    return [...ids]
      .sort((one, other) => (one < other ? -1 : 1))
      .slice(0, count)
      .map(String);
  }

  /** Jobs that are over and cannot be written. Whether their callbacks are settled is not known before. */
  #waitingEnded(): Job[] {
    if (!this.#failing) return [];
    return [...this.#pending.values()].filter((job) => !isLive(job) && job.callback === null);
  }

  oldestEnded(count: number): JobId[] {
    if (!this.#failing) this.flush();
    const sql = `SELECT id FROM jobs WHERE expires_at IS NOT NULL AND ${isSettled} ORDER BY id LIMIT ?`;
    const rows = this.#database.query<{ id: bigint }, [number]>(sql).all(count);
    return rows.map(({ id }) => id.toString());
  }

  forget(ids: readonly JobId[]): void {
    for (const id of ids) this.#pending.delete(id);
    this.#database.transaction(() => {
      this.outbox.forget(ids);
      for (const id of ids) this.#forget.run(BigInt(id));
    })();
    this.#database.run(`PRAGMA incremental_vacuum(${vacuumPages})`);
    this.#database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Writes what is pending and closes. */
  close(): void {
    this.flush();
    this.#database.close();
  }

  #write(job: Job): void {
    const id = BigInt(job.id);
    const expiry = expiresAt(job);
    const end = expiry === null ? null : Math.ceil(expiry);
    this.#put.run(id, job.state, job.alias, job.node, JSON.stringify(job), end, storedBytesOf(job));
    if (job.callback !== null) this.outbox.note(job);
    if (job.alias === null) return;
    if (isLive(job)) this.#claim.run(job.alias, id);
    else this.#release.run(job.alias, id);
  }

  /** A disk that stays full must not fill the memory as well. */
  #dropOldest(): void {
    for (const id of this.#pending.keys()) {
      if (this.#pending.size < 100 * mostPending) return;
      this.#pending.delete(id);
    }
  }
}

function storedBytesOf(job: Job): number {
  return job.state === "ended" || job.state === "lost" ? (job.output?.storedBytes ?? 0) : 0;
}

/** A record is what this program wrote; the database belongs to this user alone. */
function parse(record: string): Job {
  return JSON.parse(record) as Job;
}

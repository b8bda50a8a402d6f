import { Database, type Statement } from "bun:sqlite";
import { firstIdAt, idTime } from "../core/ids.ts";
import { isLive, type Job, type JobId } from "../core/job.ts";
import type { AliasClaims, JobHistory, JobQuery } from "../core/ports.ts";
import { lostWithoutRecord, transition } from "../core/transitions.ts";
import { makePrivateFile } from "./dataDirectory.ts";
import { listJobs } from "./listJobs.ts";
import { migrate } from "./migrate.ts";

interface StoreOptions {
  readonly path: string;
  /** A record waits at most this long to be written. */
  readonly flushSeconds: number;
  readonly onError: (error: unknown) => void;
}

/** So many records are written at once without waiting for the time. */
const mostPending = 500;
/** After a failed write. */
const retryMilliseconds = 1_000;
/** Old records go in steps, so that no step holds up the server. */
const forgetAtOnce = 2_000;

interface Row {
  readonly record: string;
}

/**
 * History and alias claims in SQLite. Records are written behind, many in one transaction, so that a start never waits
 * for the disk; every read writes first what is pending. This process alone has the data directory, so memory decides
 * who holds an alias, and the table tells the next server.
 */
export class Store implements JobHistory, AliasClaims {
  readonly #database: Database;
  readonly #options: StoreOptions;
  readonly #pending = new Map<JobId, Job>();
  readonly #holders = new Map<string, JobId>();
  readonly #put: Statement;
  readonly #get: Statement<Row, [bigint]>;
  readonly #claim: Statement;
  readonly #release: Statement;
  #timer: Timer | null = null;

  /** Opens or makes the database, readable by this user alone. */
  constructor(options: StoreOptions) {
    this.#options = options;
    makePrivateFile(options.path);
    const database = new Database(options.path, { create: true, strict: true, safeIntegers: true });
    this.#database = database;
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA busy_timeout = 5000");
    migrate(database);
    this.#put = database.prepare(
      "INSERT INTO jobs (id, state, alias, node, record) VALUES (?, ?, ?, ?, ?) " +
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record",
    );
    this.#get = database.prepare("SELECT record FROM jobs WHERE id = ?");
    this.#claim = database.prepare(
      "INSERT INTO alias_claims (alias, job_id) VALUES (?1, ?2) ON CONFLICT (alias) DO UPDATE SET job_id = ?2",
    );
    this.#release = database.prepare("DELETE FROM alias_claims WHERE alias = ? AND job_id = ?");
  }

  /** The newest id on record, which new ids must come after. */
  newestId(): JobId | undefined {
    const row = this.#database.query<{ id: bigint | null }, []>("SELECT max(id) AS id FROM jobs").get();
    return row?.id?.toString();
  }

  /**
   * Marks what a killed server has left alive as lost, and frees the aliases. `alive` are the ids that it had noted
   * beside the database, of this node. How many jobs that were.
   */
  recover(alive: Iterable<bigint>, node: string): number {
    const sql = "SELECT record FROM jobs WHERE state IN ('starting', 'running')";
    const recorded = this.#database.query<Row, []>(sql).all();
    for (const { record } of recorded) this.put(transition(parse(record), { type: "vanished" }));
    const unrecorded = [...alive].map(String).filter((id) => this.get(id) === undefined);
    for (const id of unrecorded) this.put(lostWithoutRecord(id, node, idTime(id)));
    this.flush();
    this.#database.run("DELETE FROM alias_claims");
    return recorded.length + unrecorded.length;
  }

  claim(alias: string, id: JobId): boolean {
    if (this.#holders.has(alias)) return false;
    this.#holders.set(alias, id);
    return true;
  }

  release(alias: string, id: JobId): void {
    if (this.#holders.get(alias) === id) this.#holders.delete(alias);
  }

  put(job: Job): void {
    this.#pending.set(job.id, job);
    if (this.#pending.size >= mostPending) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.flushSeconds * 1_000);
  }

  get(id: JobId): Job | undefined {
    // What has been told must be on record, whatever comes next.
    if (this.#pending.has(id)) this.flush();
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
    try {
      this.#database.transaction(() => {
        for (const job of this.#pending.values()) this.#write(job);
      })();
      this.#pending.clear();
    } catch (error) {
      this.#options.onError(error);
      this.#dropOldest();
      this.#timer = setTimeout(() => this.flush(), retryMilliseconds);
    }
  }

  /** Forgets some ended jobs that were made before that time (milliseconds since 1970); true when there are more. */
  forgetBefore(wall: number): boolean {
    const sql =
      "DELETE FROM jobs WHERE id IN " +
      "(SELECT id FROM jobs WHERE id < ? AND state NOT IN ('starting', 'running') ORDER BY id LIMIT ?)";
    return this.#database.query(sql).run(BigInt(firstIdAt(wall)), forgetAtOnce).changes === forgetAtOnce;
  }

  /** Writes what is pending and closes. */
  close(): void {
    this.flush();
    this.#database.close();
  }

  #write(job: Job): void {
    const id = BigInt(job.id);
    this.#put.run(id, job.state, job.alias, job.node, JSON.stringify(job));
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

/** A record is what this program wrote; the database belongs to this user alone. */
function parse(record: string): Job {
  return JSON.parse(record) as Job;
}

import type { Database, Statement } from "bun:sqlite";
import { ErrandError } from "../core/errors.ts";
import type { JobId } from "../core/job.ts";
import type { IdempotencyRecord, IdempotentStart } from "../core/ports.ts";

interface Row {
  readonly request_sha256: Uint8Array;
  readonly job_id: bigint;
}

interface KeyLimits {
  readonly idempotencyKeys: number;
  readonly idempotencySeconds: number;
}

/** Old keys go in steps, so that no step holds up the server; a step removes more than one start adds. */
const removedAtOnce = 100;
const retryAfterSeconds = 60;

/** Idempotency keys in SQLite: a start that is sent again after a crash is known. */
export class SqliteIdempotency implements IdempotencyRecord {
  readonly #limits: KeyLimits;
  readonly #get: Statement<Row, [string, string]>;
  readonly #put: Statement<unknown, [string, string, Uint8Array, bigint, number]>;
  readonly #remove: Statement<unknown, [string, string]>;
  readonly #removeOld: Statement<unknown, [number, number]>;
  #count: number;

  /** The database is migrated. */
  constructor(database: Database, limits: KeyLimits) {
    this.#limits = limits;
    const row = database.query<{ n: bigint }, []>("SELECT count(*) AS n FROM idempotency_keys").get();
    this.#count = Number(row?.n ?? 0n);
    const where = "WHERE owner = ? AND key = ?";
    this.#get = database.prepare(`SELECT request_sha256, job_id FROM idempotency_keys ${where}`);
    this.#put = database.prepare(
      "INSERT INTO idempotency_keys (owner, key, request_sha256, job_id, created_at) VALUES (?, ?, ?, ?, ?) " +
        "ON CONFLICT (owner, key) DO UPDATE SET job_id = excluded.job_id",
    );
    this.#remove = database.prepare(`DELETE FROM idempotency_keys ${where}`);
    this.#removeOld = database.prepare(
      "DELETE FROM idempotency_keys WHERE (owner, key) IN " +
        "(SELECT owner, key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?)",
    );
  }

  find(owner: string, key: string): { readonly requestSha256: Uint8Array; readonly jobId: JobId } | null {
    const row = this.#get.get(owner, key);
    return row === null ? null : { requestSha256: row.request_sha256, jobId: row.job_id.toString() };
  }

  reserve({ owner, key, requestSha256 }: IdempotentStart, jobId: JobId, now: number): void {
    const { idempotencyKeys, idempotencySeconds } = this.#limits;
    const old = Math.floor(now - idempotencySeconds * 1_000);
    this.#count -= this.#removeOld.run(old, removedAtOnce).changes;
    if (this.#count >= idempotencyKeys) {
      const allowed = `${idempotencyKeys} idempotency keys are remembered, which is the limit (idempotencyKeys)`;
      throw new ErrandError("too-many-requests", allowed, retryAfterSeconds);
    }
    this.#put.run(owner, key, requestSha256, BigInt(jobId), Math.floor(now));
    this.#count += 1;
  }

  release(owner: string, key: string): void {
    this.#count -= this.#remove.run(owner, key).changes;
  }
}

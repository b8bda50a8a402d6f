import type { Database, Statement } from "bun:sqlite";
import { ErrandError } from "../core/errors.ts";
import type { NonceRecord } from "../core/ports.ts";

/** Expired nonces go in steps, so that no step holds up the server; a step removes more than one request adds. */
const removedAtOnce = 100;

/** Seconds after which some will have expired. */
const retryAfterSeconds = 1;

/** Nonces of signatures in SQLite: they count after a restart, too. */
export class SqliteNonces implements NonceRecord {
  readonly #mostNonces: number;
  readonly #insert: Statement<unknown, [string, bigint]>;
  readonly #removeExpired: Statement<unknown, [bigint, number]>;
  #count: number;

  /** `mostNonces` are remembered at most. The database is migrated. */
  constructor(database: Database, mostNonces: number) {
    this.#mostNonces = mostNonces;
    const sql = "SELECT count(*) AS count FROM signature_nonces";
    const row = database.query<{ count: bigint }, []>(sql).get();
    this.#count = Number(row?.count ?? 0);
    this.#insert = database.prepare("INSERT OR IGNORE INTO signature_nonces (nonce, until) VALUES (?, ?)");
    this.#removeExpired = database.prepare(
      "DELETE FROM signature_nonces WHERE nonce IN " +
        "(SELECT nonce FROM signature_nonces WHERE until < ? ORDER BY until LIMIT ?)",
    );
  }

  /** Throws `too-many-requests` when no more can be remembered. */
  take(nonce: string, until: number, now: number): boolean {
    this.#count -= Number(this.#removeExpired.run(BigInt(Math.floor(now)), removedAtOnce).changes);
    if (this.#count >= this.#mostNonces) {
      const allowed = `${this.#mostNonces} nonces are remembered, which is the limit (signatureNonces)`;
      throw new ErrandError("too-many-requests", allowed, retryAfterSeconds);
    }
    const added = Number(this.#insert.run(nonce, BigInt(Math.ceil(until))).changes);
    this.#count += added;
    return added > 0;
  }
}

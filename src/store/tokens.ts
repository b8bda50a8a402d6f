import { type Database, SQLiteError, type Statement } from "bun:sqlite";
import { ErrandError } from "../core/errors.ts";
import { isScope, type Scope } from "../core/scopes.ts";
import type { StoredToken, TokenRecord } from "../core/tokens.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  readonly scopes: string;
  readonly created_at: bigint;
  readonly expires_at: bigint | null;
}

/** Tokens in SQLite. They are read once, at the start of a server; after that they are only written. */
export class SqliteTokens implements TokenRecord {
  readonly #database: Database;
  readonly #put: Statement;
  readonly #remove: Statement;

  /** The database is migrated. */
  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare(
      "INSERT INTO tokens (id, name, sha256, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#remove = database.prepare("DELETE FROM tokens WHERE id = ?");
  }

  all(): StoredToken[] {
    const rows = this.#database.query<Row, []>("SELECT * FROM tokens ORDER BY created_at, id").all();
    return rows.map(({ id, name, sha256, ...row }) => ({
      ...{ id, name, sha256 },
      scopes: readScopes(row.scopes),
      createdAt: Number(row.created_at),
      expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    }));
  }

  put({ id, name, sha256, scopes, createdAt, expiresAt }: StoredToken): void {
    const end = expiresAt === null ? null : BigInt(Math.floor(expiresAt));
    this.#durably(() =>
      this.#put.run(id, name, sha256, JSON.stringify(scopes), BigInt(Math.floor(createdAt)), end),
    );
  }

  remove(id: string): void {
    this.#durably(() => this.#remove.run(id));
  }

  /** Other records may be lost with the power; a token that was revoked must not come back. Throws `storage-full`. */
  #durably(write: () => void): void {
    this.#database.run("PRAGMA synchronous = FULL");
    try {
      write();
    } catch (error) {
      if (!(error instanceof SQLiteError && error.code === "SQLITE_FULL")) throw error;
      throw new ErrandError("storage-full", "the disk is full: the tokens cannot be written");
    } finally {
      this.#database.run("PRAGMA synchronous = NORMAL");
    }
  }
}

/** Those that this Errand knows: what it does not know gives no right. */
function readScopes(text: string): Scope[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Scope => typeof item === "string" && isScope(item));
}

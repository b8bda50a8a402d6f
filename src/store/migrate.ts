import type { Database } from "bun:sqlite";
import jobs from "./migrations/0001-jobs.sql" with { type: "text" };
import background from "./migrations/0002-background.sql" with { type: "text" };
import tokens from "./migrations/0003-tokens.sql" with { type: "text" };
import idempotency from "./migrations/0004-idempotency.sql" with { type: "text" };
import terminals from "./migrations/0005-terminals.sql" with { type: "text" };
import lists from "./migrations/0006-lists.sql" with { type: "text" };

/** In order; a released migration never changes. Its number is its place, from 1. */
const migrations: readonly string[] = [jobs, background, tokens, idempotency, terminals, lists];

/** Brings the database to the newest form. Throws when a newer Errand has written it. */
export function migrate(database: Database): void {
  const row = database.query<{ user_version: bigint }, []>("PRAGMA user_version").get();
  const version = Number(row?.user_version ?? 0n);
  if (version > migrations.length) {
    throw new Error(
      `the database has form ${version}, this Errand knows up to ${migrations.length}: use a newer one`,
    );
  }
  migrations.slice(version).forEach((sql, index) => {
    database.transaction(() => {
      database.run(sql);
      database.run(`PRAGMA user_version = ${version + index + 1}`);
    })();
  });
}

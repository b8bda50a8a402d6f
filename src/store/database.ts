import { Database } from "bun:sqlite";
import { makePrivateFile } from "./dataDirectory.ts";

/** The log of writes is worked off at so many pages, and cut back to this size then. */
const logPages = 250;
const logBytes = 1024 * 1024;

/** Opens or makes the database, readable by this user alone, not yet migrated. */
export function openDatabase(path: string): Database {
  makePrivateFile(path);
  const database = new Database(path, { create: true, strict: true, safeIntegers: true });
  makeShrinkable(database);
  database.run("PRAGMA journal_mode = WAL");
  database.run(`PRAGMA journal_size_limit = ${logBytes}`);
  database.run(`PRAGMA wal_autocheckpoint = ${logPages}`);
  database.run("PRAGMA synchronous = NORMAL");
  database.run("PRAGMA busy_timeout = 5000");
  return database;
}

/** Free pages can go back to the system; a database that was made without that is made anew once. */
function makeShrinkable(database: Database): void {
  const incremental = 2n;
  const mode = database.query<{ auto_vacuum: bigint }, []>("PRAGMA auto_vacuum").get()?.auto_vacuum;
  if (mode === incremental) return;
  database.run("PRAGMA auto_vacuum = INCREMENTAL");
  database.run("VACUUM");
}

import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { endEverything, temporaryDirectory } from "../../test/support/cleanup.ts";
import { SqliteNonces } from "./nonces.ts";

afterAll(endEverything);

const migration = readFileSync(join(import.meta.dir, "migrations/0002-background.sql"), "utf8");
const table = /CREATE TABLE signature_nonces[\s\S]*/.exec(migration)?.[0] ?? "";

function open(path = join(temporaryDirectory("nonces"), "a.db")) {
  const database = new Database(path, { create: true, strict: true, safeIntegers: true });
  database.run("PRAGMA journal_mode = WAL");
  const rows = () =>
    Number(database.query<{ n: bigint }, []>("SELECT count(*) AS n FROM signature_nonces").get()?.n);
  return { database, path, rows };
}

function fresh(most = 1_000) {
  const opened = open();
  opened.database.run(table);
  return { ...opened, nonces: new SqliteNonces(opened.database, most) };
}

const now = 1_800_000_000_000;

describe("nonces", () => {
  test("each is taken once", () => {
    const { nonces } = fresh();
    expect([nonces.take("a", now + 1, now), nonces.take("b", now + 1, now)]).toEqual([true, true]);
    expect([nonces.take("a", now + 1, now), nonces.take("A", now + 1, now)]).toEqual([false, true]);
    expect(nonces.take("a", now + 999, now + 1)).toBe(false);
  });

  test("one is known up to its time, that moment included, and forgotten later", () => {
    const { nonces, rows } = fresh();
    nonces.take("a", now + 300_000, now);
    expect(nonces.take("a", now + 300_000, now + 300_000)).toBe(false);
    expect(nonces.take("b", now + 600_000, now + 300_001)).toBe(true);
    expect(rows()).toBe(1);
    expect(nonces.take("a", now + 600_000, now + 300_001)).toBe(true);
  });

  test("times between milliseconds are kept long enough", () => {
    const { nonces } = fresh();
    nonces.take("a", now + 0.5, now);
    expect(nonces.take("a", now + 9, now + 0.9)).toBe(false);
  });

  test("they count for the next server, even when this one never closed", () => {
    const { nonces, path } = fresh();
    for (const nonce of ["a", "b"]) nonces.take(nonce, now + 1, now);
    const next = new SqliteNonces(open(path).database, 2);
    expect(() => next.take("c", now + 1, now)).toThrow("signatureNonces");
    expect(new SqliteNonces(open(path).database, 3).take("a", now + 1, now)).toBe(false);
  });

  test("at the limit new ones are refused with 429 until old ones expire", () => {
    const { nonces, rows } = fresh(3);
    for (const nonce of ["a", "b", "c"]) expect(nonces.take(nonce, now + 10, now)).toBe(true);
    expect(() => nonces.take("d", now + 10, now)).toThrow(
      expect.objectContaining({ code: "too-many-requests", retryAfterSeconds: 1 }),
    );
    expect(rows()).toBe(3);
    expect(nonces.take("d", now + 99, now + 11)).toBe(true);
    expect(rows()).toBe(1);
  });

  test("many that have expired go in steps, faster than new ones come", () => {
    const { nonces, database, rows } = fresh(2_000);
    database.transaction(() => {
      for (let index = 0; index < 1_000; index += 1) nonces.take(`old ${index}`, now + 1, now);
    })();
    nonces.take("new 0", now + 99, now + 2);
    expect(rows()).toBe(901);
    for (let index = 1; index < 10; index += 1) nonces.take(`new ${index}`, now + 99, now + 2);
    expect(rows()).toBe(10);
  });

  test("nothing in a nonce is SQL", () => {
    const { nonces, rows } = fresh();
    for (const nonce of ["'); DROP TABLE signature_nonces; --", '"', "?", "%", "\u{1f600}"]) {
      expect([nonces.take(nonce, now, now), nonces.take(nonce, now, now)]).toEqual([true, false]);
    }
    expect(rows()).toBe(5);
  });
});

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StoreBench } from "../../test/contract/support/stores.ts";

let bench: StoreBench;
beforeEach(() => {
  bench = new StoreBench();
});
afterEach(() => bench.end());

describe("a database", () => {
  test("that a newer Errand has written is refused, and stays as it is", () => {
    bench.close(bench.open());
    const database = new Database(bench.path);
    database.run("PRAGMA user_version = 99");
    expect(() => bench.open()).toThrow("99");
    expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    database.close();
  });

  test("of the first form gets what jobs have bench.now", () => {
    const database = new Database(bench.path, { create: true });
    database.run(readFileSync(join(import.meta.dir, "migrations/0001-jobs.sql"), "utf8"));
    database.run("PRAGMA user_version = 1");
    const {
      mode: _m,
      leftovers: _l,
      successExitCodes: _s,
      retainSeconds: _r,
      callback: _c,
      survive: _v,
      tty: _t,
      ...old
    } = bench.base("a");
    const times = { startedAt: bench.now, endedAt: bench.now + 9, durationNanoseconds: 1, pid: 7 };
    const outcome = { reason: "exited", code: 0, signal: null, success: true, detail: null } as const;
    const records = [
      {
        ...old,
        state: "ended",
        ...times,
        outcome,
        output: { stdoutBytes: 3, stderrBytes: 0, stderrTail: "x" },
      },
      { ...old, id: bench.ids.next().toString(), state: "failed", endedAt: bench.now, failure: "no" },
      { ...old, id: bench.ids.next().toString(), state: "lost", startedAt: null, pid: null, outcome },
    ];
    for (const record of records) {
      database
        .query("INSERT INTO jobs (id, state, alias, node, record) VALUES (?, ?, ?, ?, ?)")
        .run(BigInt(record.id), record.state, record.alias, record.node, JSON.stringify(record));
    }
    database.close();
    const store = bench.open();
    const [first, , third] = records.map(({ id }) => store.get(id));
    const counted = { bytes: 3, keptFrom: 3, truncated: false };
    expect(first).toMatchObject({
      ...{ mode: "attached", leftovers: "leave", successExitCodes: [0], callback: null },
      ...{ survive: false, tty: null },
      output: {
        stdout: counted,
        stderr: { ...counted, bytes: 0, keptFrom: 0 },
        stderrTail: "x",
        storedBytes: 0,
      },
    });
    expect(third).toMatchObject({ lostAt: bench.now, output: null });
    expect(store.expired(bench.now + 7 * 86_400_000 + 9, 9)).toHaveLength(3);
  });

  test("of this form is opened again without a change", () => {
    const store = bench.open();
    store.put(bench.ended("a"));
    bench.close(store);
    const schema = () => {
      const database = new Database(bench.path);
      const rows = database.query("SELECT sql FROM sqlite_schema ORDER BY name").all();
      const version = database.query("PRAGMA user_version").get();
      database.close();
      return [rows, version];
    };
    const before = schema();
    bench.close(bench.open());
    expect(schema()).toEqual(before);
  });

  test("that is none is refused", async () => {
    await Bun.write(bench.path, "this is no database, however long one reads it ".repeat(100));
    expect(() => bench.open()).toThrow();
  });
});

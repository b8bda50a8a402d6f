import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IdSource, idTime } from "../core/ids.ts";
import type { EndedJob, FailedJob, Job, RunningJob, StartingJob } from "../core/job.ts";
import { Store } from "./store.ts";

const start = 1_800_000_000_000;
let folder: string;
let path: string;
let errors: unknown[];
let now: number;
let ids: IdSource;
const opened = new Set<Store>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-store-"));
  path = join(folder, "errand.db");
  errors = [];
  now = start;
  ids = new IdSource(() => now, 0);
});
afterEach(() => {
  for (const store of opened) close(store);
  rmSync(folder, { recursive: true, force: true });
});

/** `flushSeconds` is long, so that what is written early was written by what the test did. */
function open(flushSeconds = 5): Store {
  const store = new Store({ path, flushSeconds, onError: (error) => errors.push(error) });
  opened.add(store);
  return store;
}

function close(store: Store): void {
  opened.delete(store);
  store.close();
}

const base = (alias: string | null) => ({
  id: ids.next().toString(),
  node: "here",
  owner: "local",
  door: "rexec",
  command: ["echo", "\u00e9 \ud83e\udd8a \u0000 '\"\\ "],
  cwd: null,
  alias,
  createdAt: now,
});
const starting = (alias: string | null): StartingJob => ({ ...base(alias), state: "starting" });
const running = (alias: string | null): RunningJob => ({
  ...base(alias),
  state: "running",
  startedAt: now,
  startedMonotonic: 0,
  pid: 7,
  stop: null,
  exit: null,
});
const ended = (alias: string | null): EndedJob => ({
  ...base(alias),
  state: "ended",
  startedAt: now,
  endedAt: now,
  durationNanoseconds: 1,
  pid: 7,
  outcome: { reason: "exited", code: 0, signal: null, success: true, detail: null },
  output: { stdoutBytes: 1, stderrBytes: 0, stderrTail: "" },
});
const failed = (alias: string | null): FailedJob => ({
  ...base(alias),
  state: "failed",
  endedAt: now,
  failure: "no",
});
const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

describe("a record", () => {
  test("is read as it was put, before and after it was written, and by the next server", () => {
    const store = open();
    const jobs = [starting("a"), running("b"), ended(null), failed("c")];
    for (const job of jobs) store.put(job);
    expect(jobs.map(({ id }) => store.get(id))).toEqual(jobs);
    store.flush();
    expect(jobs.map(({ id }) => store.get(id))).toEqual(jobs);
    close(store);
    const next = open();
    expect(jobs.map(({ id }) => next.get(id))).toEqual(jobs);
    expect([next.get("1"), errors]).toEqual([undefined, []]);
  });

  test("is the newest of those with its id", () => {
    const store = open();
    const job = running("a");
    store.put(job);
    store.flush();
    const done: EndedJob = { ...ended("a"), id: job.id };
    store.put(done);
    expect([store.get(job.id), store.list({ count: 9 })]).toEqual([done, [done]]);
  });

  test("is written by itself after its time", async () => {
    const store = open(0.005);
    store.put(ended(null));
    const other = new Database(path, { readonly: true });
    const count = () => other.query<{ n: number }, []>("SELECT count(*) AS n FROM jobs").get()?.n;
    while (count() === 0) await new Promise((resolve) => setImmediate(resolve));
    other.close();
    expect(errors).toEqual([]);
  });

  test("is written at once when many wait", () => {
    const store = open();
    for (let turn = 0; turn < 500; turn += 1) store.put(ended(null));
    const other = new Database(path, { readonly: true });
    expect(other.query<{ n: number }, []>("SELECT count(*) AS n FROM jobs").get()).toEqual({ n: 500 });
    other.close();
  });

  test("with the largest id is exact", () => {
    const store = open();
    const job: EndedJob = { ...ended(null), id: "9223372036854775807" };
    store.put(job);
    expect([store.list({ count: 1 }), store.newestId()]).toEqual([[job], job.id]);
  });

  test("that cannot be written is told and kept for the next try", () => {
    const store = open();
    const other = new Database(path);
    other.run("ALTER TABLE jobs RENAME TO elsewhere");
    const job = ended(null);
    store.put(job);
    store.flush();
    expect([errors.length, store.get(job.id)]).toEqual([1, job]);
    other.run("ALTER TABLE elsewhere RENAME TO jobs");
    other.close();
    expect(store.list({ count: 9 })).toEqual([job]);
  });
});

describe("a list", () => {
  test("has what was put, newest first, at most so many", () => {
    const store = open();
    const jobs = [ended("a"), running("b"), failed("a")];
    for (const job of [...jobs].reverse()) store.put(job);
    expect(idsOf(store.list({ count: 9 }))).toEqual(idsOf(jobs).reverse());
    expect(idsOf(store.list({ count: 2 }))).toEqual(idsOf(jobs).reverse().slice(0, 2));
  });

  test("is filtered by each and by all", () => {
    const store = open();
    const jobs: Job[] = [];
    for (const [turn, alias] of ["a", "b", "a", null, "a%"].entries()) {
      now = start + turn * 1_000;
      jobs.push({ ...ended(alias), node: turn < 2 ? "here" : "there" }, { ...failed(alias), node: "here" });
    }
    for (const job of jobs) store.put(job);
    const expectList = (
      query: Omit<Parameters<Store["list"]>[0], "count">,
      wanted: (job: Job) => boolean,
    ) => {
      const expected = idsOf(jobs.filter(wanted)).reverse();
      expect(expected).not.toBeEmpty();
      expect(idsOf(store.list({ ...query, count: 99 }))).toEqual(expected);
    };
    expectList({ states: ["failed"] }, ({ state }) => state === "failed");
    expectList({ states: ["failed", "ended"] }, () => true);
    expectList({ alias: "a" }, ({ alias }) => alias === "a");
    expectList({ alias: "a%" }, ({ alias }) => alias === "a%");
    expectList({ node: "there" }, ({ node }) => node === "there");
    expectList({ since: start + 2_000 }, ({ createdAt }) => createdAt >= start + 2_000);
    expectList({ since: start + 1_999.5 }, ({ createdAt }) => createdAt >= start + 1_999);
    const [, , , middle] = jobs;
    expectList({ before: middle?.id ?? "" }, ({ id }) => BigInt(id) < BigInt(middle?.id ?? 0));
    expectList(
      { states: ["ended"], alias: "a", node: "there", since: start, before: jobs.at(-1)?.id ?? "" },
      (job) => job.state === "ended" && job.alias === "a" && job.node === "there",
    );
    expect(store.list({ states: ["lost"], count: 9 })).toEqual([]);
    expect(store.list({ alias: "' OR '1'='1", count: 9 })).toEqual([]);
  });
});

describe("a claim", () => {
  test("is for one at a time, and released by its holder alone", () => {
    const store = open();
    expect([store.claim("a", "1"), store.claim("a", "2"), store.claim("b", "2")]).toEqual([
      true,
      false,
      true,
    ]);
    store.release("a", "2");
    expect(store.claim("a", "3")).toBe(false);
    store.release("a", "1");
    expect(store.claim("a", "3")).toBe(true);
    store.release("never", "1");
  });
});

describe("recovery", () => {
  test("makes what was alive lost, and leaves the rest as it is", () => {
    const store = open();
    const jobs = [starting("a"), running("b"), ended("c"), failed("d")] as const;
    for (const job of jobs) store.put(job);
    close(store);
    const next = open();
    expect(next.recover([], "here")).toBe(2);
    expect(jobs.map(({ id }) => next.get(id)?.state)).toEqual(["lost", "lost", "ended", "failed"]);
    expect(next.get(jobs[1].id)).toMatchObject({
      startedAt: jobs[1].startedAt,
      pid: 7,
      outcome: { code: null },
    });
    expect(["a", "b", "c"].map((alias) => next.claim(alias, "1"))).toEqual([true, true, true]);
    close(next);
    expect(open().recover([], "here")).toBe(0);
  });

  test("knows of jobs whose record was never written, and does not count one twice", () => {
    const store = open();
    const known = running("a");
    const done = ended("b");
    store.put(known);
    store.put(done);
    close(store);
    now += 5;
    const unknown = ids.next();
    const next = open();
    const alive = [BigInt(known.id), BigInt(done.id), unknown];
    expect(next.recover(alive, "there")).toBe(2);
    expect(next.get(unknown.toString())).toMatchObject({
      state: "lost",
      node: "there",
      createdAt: idTime(unknown.toString()),
    });
    expect(next.get(done.id)).toEqual(done);
    expect(next.newestId()).toBe(unknown.toString());
  });
});

describe("forgetting", () => {
  test("takes ended jobs before a time, and never one that lives", () => {
    const store = open();
    const old = [ended("a"), failed("b"), running("c"), starting("d")];
    now += 1_000;
    const young = [ended("e")];
    for (const job of [...old, ...young]) store.put(job);
    store.flush();
    expect(store.forgetBefore(start + 1_000)).toBe(false);
    expect(idsOf(store.list({ count: 9 }))).toEqual(idsOf([...young, ...old.slice(2).reverse()]));
  });

  test("goes in steps, and says whether there are more", () => {
    const store = open();
    for (let turn = 0; turn < 2_001; turn += 1) store.put(ended(null));
    store.flush();
    now += 1_000;
    const [newest] = store.list({ count: 1 });
    expect<unknown>([store.forgetBefore(now), store.list({ count: 9 })]).toEqual([true, [newest]]);
    expect([store.forgetBefore(now), store.list({ count: 9 })]).toEqual([false, []]);
  });
});

describe("a database", () => {
  test("that a newer Errand has written is refused, and stays as it is", () => {
    close(open());
    const database = new Database(path);
    database.run("PRAGMA user_version = 99");
    expect(() => open()).toThrow("99");
    expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    database.close();
  });

  test("of this form is opened again without a change", () => {
    const store = open();
    store.put(ended("a"));
    close(store);
    const schema = () => {
      const database = new Database(path);
      const rows = database.query("SELECT sql FROM sqlite_schema ORDER BY name").all();
      const version = database.query("PRAGMA user_version").get();
      database.close();
      return [rows, version];
    };
    const before = schema();
    close(open());
    expect(schema()).toEqual(before);
  });

  test("that is none is refused", async () => {
    await Bun.write(path, "this is no database, however long one reads it ".repeat(100));
    expect(() => open()).toThrow();
  });
});

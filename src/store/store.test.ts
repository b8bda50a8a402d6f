import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noOutput } from "../../test/contract/support/fake-ports.ts";
import { IdSource, idTime } from "../core/ids.ts";
import type { CallbackRequest, EndedJob, FailedJob, Job, RunningJob, StartingJob } from "../core/job.ts";
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
  const onError = (error: unknown) => void errors.push(error);
  const store = new Store({ path, flushSeconds, signatureNonces: 1_000, onError });
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
  ...({ mode: "background", leftovers: "leave" } as const),
  successExitCodes: [0],
  retainSeconds: 60,
  callback: null as CallbackRequest | null,
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
  output: noOutput,
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

const recovery = { node: "here", now: start + 5_000, retainSeconds: 60 };

describe("recovery", () => {
  test("makes what was alive lost, and leaves the rest as it is", () => {
    const store = open();
    const jobs = [starting("a"), running("b"), ended("c"), failed("d")] as const;
    for (const job of jobs) store.put(job);
    close(store);
    const next = open();
    expect(next.recover([], recovery)).toBe(2);
    expect(jobs.map(({ id }) => next.get(id)?.state)).toEqual(["lost", "lost", "ended", "failed"]);
    expect(next.get(jobs[1].id)).toMatchObject({
      startedAt: jobs[1].startedAt,
      pid: 7,
      outcome: { code: null },
    });
    expect(["a", "b", "c"].map((alias) => next.claim(alias, "1"))).toEqual([true, true, true]);
    close(next);
    expect(open().recover([], recovery)).toBe(0);
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
    expect(next.recover(alive, { ...recovery, node: "there" })).toBe(2);
    expect(next.get(unknown.toString())).toMatchObject({
      state: "lost",
      node: "there",
      createdAt: idTime(unknown.toString()),
    });
    expect(next.get(done.id)).toEqual(done);
    expect(next.newestId()).toBe(unknown.toString());
  });
});

/** An ended job whose files take so much. */
const kept = (storedBytes: number): EndedJob => ({ ...ended(null), output: { ...noOutput, storedBytes } });
const called = (job: EndedJob): EndedJob => ({
  ...job,
  callback: { url: "http://127.0.0.1/", events: ["job.ended"], form: "v1" },
});

describe("a job whose time is over", () => {
  test("is told, oldest first, and one that lives never is", () => {
    const store = open();
    const jobs = [ended("a"), failed("b"), running("c"), starting("d")];
    now += 1_000;
    jobs.push(ended("e"));
    for (const job of jobs) store.put(job);
    store.flush();
    const end = start + 60_000;
    expect([store.expired(end - 1, 9), store.nextExpiry()]).toEqual([[], end]);
    expect(store.expired(end, 9)).toEqual(idsOf(jobs.slice(0, 2)));
    expect(store.expired(end, 1)).toEqual(idsOf(jobs.slice(0, 1)));
    expect(store.expired(end + 1e9, 9)).toEqual(idsOf([...jobs.slice(0, 2), ...jobs.slice(4)]));
  });

  test("stays while its callback is still to be delivered", () => {
    const store = open();
    const job = called(kept(1));
    store.put(job);
    store.flush();
    expect([store.expired(start + 1e9, 9), store.oldestKept()]).toEqual([[], null]);
    const [delivery] = store.outbox.ofJob(job.id);
    store.outbox.settle(delivery?.id ?? "", {
      ...{ state: "delivered", attempts: 1, nextAttemptAt: null },
      ...{ lastAttemptAt: now, lastStatus: 200, lastError: null },
    });
    expect([store.expired(start + 1e9, 9), store.oldestKept()]).toEqual([[job.id], job.id]);
  });
});

describe("what is kept", () => {
  test("is summed, and the oldest that has files is told", () => {
    const store = open();
    const jobs = [ended(null), kept(5), kept(7), running(null)];
    for (const job of jobs) store.put(job);
    store.flush();
    expect<unknown>([store.storedBytes(), store.oldestKept()]).toEqual([12, jobs[1]?.id]);
  });

  test("is forgotten by id, with its callbacks, also before it was written", () => {
    const store = open();
    const jobs = [called(kept(5)), called(kept(7))];
    for (const job of jobs) store.put(job);
    store.forget(idsOf(jobs.slice(0, 1)));
    expect(idsOf(store.list({ count: 9 }))).toEqual(idsOf(jobs.slice(1)));
    expect(jobs.map(({ id }) => store.outbox.ofJob(id).length)).toEqual([0, 1]);
    expect(jobs.map(({ id }) => store.stateOf(id))).toEqual([null, "ended"]);
  });
});

describe("a callback", () => {
  test("is noted in the same step as the end that it tells, and the courier is told", () => {
    const store = open();
    let told = 0;
    store.onCallbacks(() => {
      told += 1;
    });
    store.put(ended(null));
    store.flush();
    const job = called(ended(null));
    store.put(job);
    expect([told, store.outbox.ofJob(job.id)]).toEqual([0, []]);
    store.flush();
    expect([told, store.outbox.ofJob(job.id).map(({ event }) => event)]).toEqual([1, ["job.ended"]]);
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

  test("of the first form gets what jobs have now", () => {
    const database = new Database(path, { create: true });
    database.run(readFileSync(join(import.meta.dir, "migrations/0001-jobs.sql"), "utf8"));
    database.run("PRAGMA user_version = 1");
    const {
      mode: _m,
      leftovers: _l,
      successExitCodes: _s,
      retainSeconds: _r,
      callback: _c,
      ...old
    } = base("a");
    const times = { startedAt: now, endedAt: now + 9, durationNanoseconds: 1, pid: 7 };
    const outcome = { reason: "exited", code: 0, signal: null, success: true, detail: null } as const;
    const records = [
      {
        ...old,
        state: "ended",
        ...times,
        outcome,
        output: { stdoutBytes: 3, stderrBytes: 0, stderrTail: "x" },
      },
      { ...old, id: ids.next().toString(), state: "failed", endedAt: now, failure: "no" },
      { ...old, id: ids.next().toString(), state: "lost", startedAt: null, pid: null, outcome },
    ];
    for (const record of records) {
      database
        .query("INSERT INTO jobs (id, state, alias, node, record) VALUES (?, ?, ?, ?, ?)")
        .run(BigInt(record.id), record.state, record.alias, record.node, JSON.stringify(record));
    }
    database.close();
    const store = open();
    const [first, , third] = records.map(({ id }) => store.get(id));
    const counted = { bytes: 3, keptFrom: 3, truncated: false };
    expect(first).toMatchObject({
      ...{ mode: "attached", leftovers: "leave", successExitCodes: [0], callback: null },
      output: {
        stdout: counted,
        stderr: { ...counted, bytes: 0, keptFrom: 0 },
        stderrTail: "x",
        storedBytes: 0,
      },
    });
    expect(third).toMatchObject({ lostAt: now, output: null });
    expect(store.expired(now + 7 * 86_400_000 + 9, 9)).toHaveLength(3);
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

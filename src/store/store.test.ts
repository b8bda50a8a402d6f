import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { idsOf, StoreBench, start } from "../../test/contract/support/stores.ts";
import { idTime } from "../core/ids.ts";
import type { EndedJob, Job } from "../core/job.ts";
import type { Store } from "./store.ts";

let bench: StoreBench;
beforeEach(() => {
  bench = new StoreBench();
});
afterEach(() => bench.end());

describe("a record", () => {
  test("is read as it was put, before and after it was written, and by the next server", () => {
    const store = bench.open();
    const jobs = [bench.starting("a"), bench.running("b"), bench.ended(null), bench.failed("c")];
    for (const job of jobs) store.put(job);
    expect(jobs.map(({ id }) => store.get(id))).toEqual(jobs);
    store.flush();
    expect(jobs.map(({ id }) => store.get(id))).toEqual(jobs);
    bench.close(store);
    const next = bench.open();
    expect(jobs.map(({ id }) => next.get(id))).toEqual(jobs);
    expect([next.get("1"), bench.errors]).toEqual([undefined, []]);
  });

  test("is the newest of those with its id", () => {
    const store = bench.open();
    const job = bench.running("a");
    store.put(job);
    store.flush();
    const done: EndedJob = { ...bench.ended("a"), id: job.id };
    store.put(done);
    expect([store.get(job.id), store.list({ count: 9 })]).toEqual([done, [done]]);
  });

  test("is written by itself after its time", async () => {
    const store = bench.open(0.005);
    store.put(bench.ended(null));
    const other = new Database(bench.path, { readonly: true });
    const count = () => other.query<{ n: number }, []>("SELECT count(*) AS n FROM jobs").get()?.n;
    while (count() === 0) await new Promise((resolve) => setImmediate(resolve));
    other.close();
    expect(bench.errors).toEqual([]);
  });

  test("is written at once when many wait", () => {
    const store = bench.open();
    for (let turn = 0; turn < 500; turn += 1) store.put(bench.ended(null));
    const other = new Database(bench.path, { readonly: true });
    expect(other.query<{ n: number }, []>("SELECT count(*) AS n FROM jobs").get()).toEqual({ n: 500 });
    other.close();
  });

  test("with the largest id is exact", () => {
    const store = bench.open();
    const job: EndedJob = { ...bench.ended(null), id: "9223372036854775807" };
    store.put(job);
    expect([store.list({ count: 1 }), store.newestId()]).toEqual([[job], job.id]);
  });

  test("that cannot be written is told and kept for the next try", () => {
    const store = bench.open();
    const other = new Database(bench.path);
    other.run("ALTER TABLE jobs RENAME TO elsewhere");
    const job = bench.ended(null);
    store.put(job);
    store.flush();
    expect([bench.errors.length, store.get(job.id)]).toEqual([1, job]);
    other.run("ALTER TABLE elsewhere RENAME TO jobs");
    other.close();
    expect(store.list({ count: 9 })).toEqual([job]);
  });
});

describe("a list", () => {
  test("has what was put, newest first, at most so many", () => {
    const store = bench.open();
    const jobs = [bench.ended("a"), bench.running("b"), bench.failed("a")];
    for (const job of [...jobs].reverse()) store.put(job);
    expect(idsOf(store.list({ count: 9 }))).toEqual(idsOf(jobs).reverse());
    expect(idsOf(store.list({ count: 2 }))).toEqual(idsOf(jobs).reverse().slice(0, 2));
  });

  test("is filtered by each and by all", () => {
    const store = bench.open();
    const jobs: Job[] = [];
    for (const [turn, alias] of ["a", "b", "a", null, "a%"].entries()) {
      bench.now = start + turn * 1_000;
      jobs.push(
        { ...bench.ended(alias), node: turn < 2 ? "here" : "there" },
        { ...bench.failed(alias), node: "here" },
      );
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
    const store = bench.open();
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

const none: ReadonlySet<string> = new Set();
const recovery = {
  ...{ node: "here", now: start + 5_000, retainSeconds: 60 },
  ...{ supervised: none, unreadable: none },
};

describe("recovery", () => {
  test("makes what was alive lost, and leaves the rest as it is", () => {
    const store = bench.open();
    const jobs = [bench.starting("a"), bench.running("b"), bench.ended("c"), bench.failed("d")] as const;
    for (const job of jobs) store.put(job);
    bench.close(store);
    const next = bench.open();
    expect(next.recover([], recovery)).toBe(2);
    expect(jobs.map(({ id }) => next.get(id)?.state)).toEqual(["lost", "lost", "ended", "failed"]);
    expect(next.get(jobs[1].id)).toMatchObject({
      startedAt: jobs[1].startedAt,
      pid: 7,
      outcome: { code: null },
    });
    expect(["a", "b", "c"].map((alias) => next.claim(alias, "1"))).toEqual([true, true, true]);
    bench.close(next);
    expect(bench.open().recover([], recovery)).toBe(0);
  });

  test("tells of a job that waited that it was never started, unless it may have been", () => {
    const store = bench.open();
    const jobs = ["a", "b", "c"].map((alias) => ({ ...bench.starting(alias), state: "queued" }) as const);
    for (const job of jobs) store.put(job);
    bench.close(store);
    const [untouched, noted, unreadable] = jobs.map(({ id }) => id) as [string, string, string];
    const next = bench.open();
    expect(next.recover([BigInt(noted)], { ...recovery, unreadable: new Set([unreadable]) })).toBe(2);
    expect(next.get(untouched)).toMatchObject({
      ...{ state: "failed", failure: expect.stringContaining("turn"), endedAt: recovery.now },
    });
    expect([noted, unreadable].map((id) => next.get(id)?.state)).toEqual(["lost", "lost"]);
  });

  test("knows of jobs whose record was never written, and does not count one twice", () => {
    const store = bench.open();
    const known = bench.running("a");
    const done = bench.ended("b");
    store.put(known);
    store.put(done);
    bench.close(store);
    bench.now += 5;
    const unknown = bench.ids.next();
    const next = bench.open();
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

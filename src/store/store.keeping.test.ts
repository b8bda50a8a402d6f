import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { idsOf, StoreBench, start } from "../../test/contract/support/stores.ts";
import type { EndedJob } from "../core/job.ts";

let bench: StoreBench;
beforeEach(() => {
  bench = new StoreBench();
});
afterEach(() => bench.end());

const called = (job: EndedJob): EndedJob => ({
  ...job,
  callback: { url: "http://127.0.0.1/", events: ["job.ended"], form: "v1" },
});

describe("a job whose time is over", () => {
  test("is told, oldest first, and one that lives never is", () => {
    const store = bench.open();
    const jobs = [bench.ended("a"), bench.failed("b"), bench.running("c"), bench.starting("d")];
    bench.now += 1_000;
    jobs.push(bench.ended("e"));
    for (const job of jobs) store.put(job);
    store.flush();
    const end = start + 60_000;
    expect([store.expired(end - 1, 9), store.nextExpiry()]).toEqual([[], end]);
    expect(store.expired(end, 9)).toEqual(idsOf(jobs.slice(0, 2)));
    expect(store.expired(end, 1)).toEqual(idsOf(jobs.slice(0, 1)));
    expect(store.expired(end + 1e9, 9)).toEqual(idsOf([...jobs.slice(0, 2), ...jobs.slice(4)]));
  });

  test("stays while its callback is still to be delivered", () => {
    const store = bench.open();
    const job = called(bench.kept(1));
    store.put(job);
    store.flush();
    expect([store.expired(start + 1e9, 9), store.oldestKept(9)]).toEqual([[], []]);
    const [delivery] = store.outbox.ofJob(job.id);
    store.outbox.settle(delivery?.id ?? "", {
      ...{ state: "delivered", attempts: 1, nextAttemptAt: null },
      ...{ lastAttemptAt: bench.now, lastStatus: 200, lastError: null },
    });
    expect([store.expired(start + 1e9, 9), store.oldestKept(9)]).toEqual([[job.id], [job.id]]);
  });
});

describe("what is kept", () => {
  test("is summed, and the oldest that has files is told", () => {
    const store = bench.open();
    const jobs = [bench.ended(null), bench.kept(5), bench.kept(7), bench.running(null)];
    for (const job of jobs) store.put(job);
    store.flush();
    expect<unknown>([store.storedBytes(), store.oldestKept(9)]).toEqual([12, idsOf(jobs.slice(1, 3))]);
  });

  test("is forgotten by id, with its callbacks, also before it was written", () => {
    const store = bench.open();
    const jobs = [called(bench.kept(5)), called(bench.kept(7))];
    for (const job of jobs) store.put(job);
    store.forget(idsOf(jobs.slice(0, 1)));
    expect(idsOf(store.list({ count: 9 }))).toEqual(idsOf(jobs.slice(1)));
    expect(jobs.map(({ id }) => store.outbox.ofJob(id).length)).toEqual([0, 1]);
    expect(jobs.map(({ id }) => store.stateOf(id))).toEqual([null, "ended"]);
  });
});

describe("a callback", () => {
  test("is noted in the same step as the end that it tells, and the courier is told", () => {
    const store = bench.open();
    let told = 0;
    store.onCallbacks(() => {
      told += 1;
    });
    store.put(bench.ended(null));
    store.flush();
    const job = called(bench.ended(null));
    store.put(job);
    expect([told, store.outbox.ofJob(job.id)]).toEqual([0, []]);
    store.flush();
    expect([told, store.outbox.ofJob(job.id).map(({ event }) => event)]).toEqual([1, ["job.ended"]]);
  });
});

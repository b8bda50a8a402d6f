// Many callbacks at once, hosts that are dead, and an outbox that fails.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { CourierBench, endOf } from "../../test/support/courier-bench.ts";

let bench: CourierBench;
beforeEach(() => {
  bench = new CourierBench();
});
afterEach(() => bench.close());

const ok = { status: 200 };
const no = { error: "no" };

/** How many are on their way to each host. */
function byHost(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { message } of bench.flying.values()) {
    const { host } = new URL(message.url);
    counts[host] = (counts[host] ?? 0) + 1;
  }
  return counts;
}

describe("at once", () => {
  test("so many are on their way to one host and in all, and the next follow", async () => {
    const jobs = ["a", "b", "c"].flatMap((name) => bench.noteEnds(10, `http://${name}.test/`));
    await bench.pass(1);
    await bench.woken(bench.courier({ callbacksAtOnce: 7, callbacksPerHost: 3 }));
    expect(byHost()).toEqual({ "a.test": 3, "b.test": 3, "c.test": 1 });
    while (bench.flying.size > 0) {
      for (const count of Object.values(byHost())) expect(count).toBeLessThanOrEqual(3);
      expect(bench.flying.size).toBeLessThanOrEqual(7);
      await bench.answer([...bench.flying.keys()][0] ?? "", ok);
    }
    expect([bench.sent.length, new Set(bench.sent).size]).toEqual([30, 30]);
    expect(jobs.flatMap((job) => bench.states(job))).toEqual(jobs.map(() => "delivered 1"));
  });

  test("a dead host with many holds up no other, however many are due before it", async () => {
    bench.noteEnds(200, "http://dead.test/");
    bench.noteEnds(200, "https://dead.test/");
    const others = bench.noteEnds(100, "http://b.test/");
    await bench.pass(1);
    await bench.woken();
    const toOther = () => [...bench.flying].filter(([, { message }]) => message.url.startsWith("http://b."));
    let answered = 0;
    for (let found = toOther(); found.length > 0; found = toOther()) {
      for (const [id] of found) await bench.answer(id, ok);
      answered += found.length;
    }
    expect([answered, byHost()]).toEqual([100, { "dead.test": 4 }]);
    expect(others.flatMap((job) => bench.states(job))).toEqual(others.map(() => "delivered 1"));
    const late = bench.noteEnd("http://c.test/");
    await bench.pass(61);
    expect([...bench.flying.keys()]).toContain(endOf(late));
  });

  test("what becomes due while others are on their way is sent in time", async () => {
    const slow = bench.noteEnd("http://a.test/");
    const quick = bench.noteEnd("http://b.test/");
    await bench.pass(1);
    await bench.woken();
    await bench.answer(endOf(quick), no);
    await bench.pass(5);
    expect([...bench.flying.keys()]).toEqual([endOf(slow), endOf(quick)]);
  });

  test("waking costs one look, and a look finds all", async () => {
    bench.noteEnds(3, "http://a.test/");
    await bench.pass(1);
    const courier = bench.courier();
    const { outbox } = bench;
    const { due } = outbox;
    let looks = 0;
    outbox.due = (...args) => {
      looks += 1;
      return due.apply(outbox, args);
    };
    for (let turn = 0; turn < 100; turn += 1) courier.wake();
    await bench.idle();
    expect([looks, bench.flying.size]).toEqual([1, 3]);
  });
});

describe("an outbox that fails", () => {
  const full = () => {
    throw new Error("database or disk is full");
  };

  test("when it is read, is read again", async () => {
    const job = bench.noteEnd();
    bench.always = ok;
    const { due } = bench.outbox;
    bench.outbox.due = full;
    await bench.pass(1);
    await bench.woken();
    await bench.pass(1.1);
    expect([bench.errors.length, bench.sent]).toEqual([2, []]);
    bench.outbox.due = due;
    await bench.pass(1.1);
    expect(bench.states(job)).toEqual(["delivered 1"]);
  });

  test("when it is written, is written again, and nothing is sent twice", async () => {
    const job = bench.noteEnd();
    bench.always = ok;
    const { settle } = bench.outbox;
    bench.outbox.settle = full;
    await bench.pass(1);
    await bench.woken();
    for (let turn = 0; turn < 5; turn += 1) await bench.pass(1.1);
    expect([bench.errors.length, bench.sent.length, bench.states(job)]).toEqual([6, 1, ["pending 0"]]);
    bench.outbox.settle = settle;
    await bench.pass(1.1);
    await bench.pass(100);
    expect([bench.sent.length, bench.states(job)]).toEqual([1, ["delivered 1"]]);
  });
});

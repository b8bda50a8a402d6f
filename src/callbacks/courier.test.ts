import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { CourierBench, endOf, startOf } from "../../test/support/courier-bench.ts";

let bench: CourierBench;
beforeEach(() => {
  bench = new CourierBench();
});
afterEach(() => bench.close());

const ok = { status: 200 };
const no = { error: "no" };

describe("a callback", () => {
  test("is sent with its content, signed, and is then on record as delivered", async () => {
    const job = bench.noteEnd("http://a.test/x");
    await bench.woken();
    await bench.pass(1);
    expect(bench.flying.get(endOf(job))?.message).toMatchObject({
      url: "http://a.test/x",
      body: `${endOf(job)} job.ended`,
      headers: {
        "content-type": "application/json",
        "errand-truncated": "x",
        "webhook-signature": "v1,x",
        "user-agent": expect.stringMatching(/^Errand\/\d/),
      },
    });
    await bench.answer(endOf(job), ok);
    expect([bench.states(job), bench.settled]).toEqual([["delivered 1"], [[endOf(job), "delivered"]]]);
    await bench.pass(1_000);
    expect(bench.sent.length).toBe(1);
  });

  test("that fails is tried again in its time, and not before, until there are no more tries", async () => {
    const job = bench.noteEnd();
    bench.always = no;
    await bench.pass(1);
    await bench.woken();
    const counts: number[] = [];
    for (const seconds of [4.9, 0.2, 299, 2, 10_000]) {
      await bench.pass(seconds);
      counts.push(bench.sent.length);
    }
    expect([counts, bench.states(job), new Set(bench.sent)]).toEqual([
      [1, 2, 2, 3, 3],
      ["failed 3"],
      new Set([endOf(job)]),
    ]);
    expect(bench.outbox.ofJob(job.id)[0]).toMatchObject({
      lastError: "no",
      lastStatus: null,
      nextAttemptAt: null,
    });
  });

  test("is sent again by the next server when the last one was killed on the way", async () => {
    const job = bench.noteEnd();
    await bench.pass(1);
    await bench.woken();
    bench.flying.clear();
    await bench.woken();
    await bench.answer(endOf(job), ok);
    expect([bench.sent, bench.states(job)]).toEqual([[endOf(job), endOf(job)], ["delivered 1"]]);
  });

  test("of a job that is gone has failed", async () => {
    const job = bench.noteEnd();
    bench.content = async () => null;
    await bench.pass(1);
    await bench.woken();
    expect([bench.states(job), bench.sent, bench.errors]).toEqual([["failed 1"], [], []]);
    expect(bench.outbox.ofJob(job.id)[0]?.lastError).toBe("the job is no longer on record");
  });

  test("that cannot be made or signed is logged and tried again, and no detail is told", async () => {
    const job = bench.noteEnd();
    const broken = async () => {
      throw new Error("/data/callback-secret");
    };
    bench.always = ok;
    bench.sign = broken;
    await bench.pass(1);
    await bench.woken();
    bench.sign = async () => ({});
    bench.content = broken;
    await bench.pass(6);
    bench.content = null;
    expect(bench.outbox.ofJob(job.id)[0]).toMatchObject({
      state: "pending",
      attempts: 2,
      lastError: "the server could not make the callback; its log says more",
    });
    await bench.pass(301);
    expect([bench.states(job), bench.errors.map(String)]).toEqual([
      ["delivered 3"],
      ["Error: /data/callback-secret", "Error: /data/callback-secret"],
    ]);
  });

  test("whose receiver wants no more disables the job's others, now and later", async () => {
    const one = ended(running());
    const other = running();
    bench.note(one, other);
    bench.always = { status: 410 };
    await bench.pass(1);
    await bench.woken();
    bench.note(ended(other));
    await bench.pass(1_000);
    expect([bench.states(one), bench.states(other), bench.sent]).toEqual([
      ["disabled 1", "disabled 0"],
      ["disabled 1", "disabled 0"],
      [startOf(one), startOf(other)],
    ]);
  });

  test("that is forgotten or asked for anew on its way is left so", async () => {
    const gone = bench.noteEnd();
    const again = bench.noteEnd();
    await bench.pass(1);
    const courier = await bench.woken();
    bench.outbox.forget([gone.id]);
    await bench.answer(endOf(gone), ok);
    await bench.answer(endOf(again), no);
    await bench.pass(6);
    expect(bench.states(again)).toEqual(["pending 1"]);
    bench.outbox.resend(again.id, bench.clock.wall());
    await bench.woken(courier);
    await bench.answer(endOf(again), no);
    expect([bench.states(gone), bench.states(again)]).toEqual([[], ["pending 1"]]);
    expect(bench.settled.map(([id]) => id)).toEqual([endOf(again), endOf(again)]);
  });
});

describe("the callbacks of a job", () => {
  test("come in the order of its events, also when the first fails at first", async () => {
    const job = ended(running());
    bench.note(job);
    await bench.pass(1);
    const courier = await bench.woken();
    await bench.woken(courier);
    await bench.answer(startOf(job), { status: 500 });
    await bench.pass(6);
    await bench.answer(startOf(job), no);
    await bench.pass(200);
    expect([bench.sent, [...bench.flying]]).toEqual([[startOf(job), startOf(job)], []]);
    await bench.pass(101);
    await bench.answer(startOf(job), ok);
    await bench.answer(endOf(job), ok);
    expect([bench.sent.slice(2), bench.states(job)]).toEqual([
      [startOf(job), endOf(job)],
      ["delivered 3", "delivered 1"],
    ]);
  });

  test("go on when the first is given up", async () => {
    const job = ended(running());
    bench.note(job);
    await bench.pass(1);
    await bench.woken();
    for (const seconds of [6, 301, 0]) {
      await bench.answer(startOf(job), no);
      await bench.pass(seconds);
    }
    await bench.answer(endOf(job), ok);
    expect(bench.states(job)).toEqual(["failed 3", "delivered 1"]);
  });
});

describe("stopping", () => {
  test("waits for what is on its way, and starts nothing", async () => {
    const one = bench.noteEnd();
    const next = bench.noteEnd();
    await bench.pass(1);
    const courier = await bench.woken(bench.courier({ callbacksAtOnce: 1 }));
    let over = false;
    const stopped = courier.stop(5).then(() => {
      over = true;
    });
    courier.wake();
    await bench.pass(1);
    expect(over).toBe(false);
    await bench.answer(endOf(one), ok);
    await stopped;
    await bench.pass(100);
    expect([bench.states(one), bench.states(next), bench.sent]).toEqual([
      ["delivered 1"],
      ["pending 0"],
      [endOf(one)],
    ]);
  });

  test("abandons what takes longer: it stays pending, whatever comes of it", async () => {
    const job = bench.noteEnd();
    await bench.pass(1);
    const courier = await bench.woken();
    const stopped = courier.stop(5);
    await bench.pass(5);
    await stopped;
    expect(bench.flying.get(endOf(job))?.message.signal.aborted).toBe(true);
    await bench.answer(endOf(job), ok);
    expect([bench.states(job), bench.settled, bench.errors]).toEqual([["pending 0"], [], []]);
  });

  test("is done at once when nothing is on its way", async () => {
    await (await bench.woken()).stop(100);
    const never = bench.courier();
    await never.stop(100);
    never.wake();
    bench.noteEnd();
    await bench.pass(1_000);
    expect(bench.sent).toEqual([]);
  });
});

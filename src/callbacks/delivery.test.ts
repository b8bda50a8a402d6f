// All the parts together: outbox, courier, signature and connection, with a real receiver and time that is passed by hand.
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setSystemTime, test } from "bun:test";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { ManualClock } from "../../test/contract/support/fake-ports.ts";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { answering, closing, failing, Receiver } from "../../test/support/callback-receiver.ts";
import { endEverything, temporaryDirectory } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import type { DeliveryState } from "../core/callbackPorts.ts";
import type { Job } from "../core/job.ts";
import { defaultLimits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { migrate } from "../store/migrate.ts";
import { SqliteOutbox } from "../store/outbox.ts";
import { AllowedAddresses } from "./addresses.ts";
import { makeSender } from "./attempt.ts";
import { Courier } from "./courier.ts";
import { UrlPolicy } from "./policy.ts";
import { defaultWaitsSeconds } from "./schedule.ts";
import { callbackSecret } from "./secret.ts";
import { makeSigner } from "./sign.ts";

afterAll(endEverything);

const hourMilliseconds = 3_600_000;

function parts(clock: Clock, timeoutSeconds = 5) {
  const data = temporaryDirectory("delivery");
  const path = join(data, "errand.db");
  const database = new Database(path, { create: true, strict: true, safeIntegers: true });
  migrate(database);
  const outbox = new SqliteOutbox(database);
  const limits = defaultLimits();
  const addresses = new AllowedAddresses(["127.0.0.1"]);
  const errors: unknown[] = [];
  const courier = new Courier({
    ...{ outbox, clock, limits },
    plan: { waitsSeconds: defaultWaitsSeconds, random: Math.random },
    send: makeSender({ policy: new UrlPolicy(addresses, limits), addresses, timeoutSeconds }),
    sign: makeSigner(() => callbackSecret(data, null)),
    content: async ({ event, jobId }) => ({
      body: JSON.stringify({ type: event, id: jobId }),
      headers: { "content-type": "application/json" },
    }),
    log: { settled: () => {}, error: (error) => errors.push(error) },
  });
  return { data, outbox, courier, errors };
}

/** Passes the time from try to try until nothing is pending; when each try was, in milliseconds from the first. */
async function passAll(job: Job, behaviour: Receiver["behaviour"]) {
  const clock = new ManualClock();
  const receiver = await Receiver.start(behaviour);
  const { outbox, courier, data, errors } = parts(clock);
  outbox.note({ ...job, callback: { url: receiver.url("/hook"), events: ["job.ended"], form: "v1" } });
  clock.pass(1_000);
  courier.wake();
  const webhook = new Webhook(callbackSecret(data, null));
  const times: number[] = [];
  for (let tries = 1; ; tries += 1) {
    const settled = () => outbox.ofJob(job.id)[0]?.attempts === tries;
    await until(settled, { describe: `try ${tries}` });
    const received = receiver.received[tries - 1];
    // The library holds the time of a signature against the real clock.
    setSystemTime(clock.wall());
    const verified = webhook.verify(received?.body ?? "", received?.headers ?? {});
    setSystemTime();
    expect(verified).toEqual({ type: "job.ended", id: job.id });
    times.push(clock.milliseconds - 1_000);
    const next = outbox.nextDue();
    if (next === null) break;
    clock.pass(next - clock.wall() - 1);
    await Bun.sleep(2);
    expect(receiver.received.length).toBe(tries);
    clock.pass(1);
  }
  await courier.stop(1);
  expect([receiver.ids, errors]).toEqual([new Set([`msg_${job.id}_ended`]), []]);
  return { times, receiver, delivery: outbox.ofJob(job.id)[0] };
}

describe("the whole schedule", () => {
  for (let failures = 0; failures <= 9; failures += 1) {
    test(`a receiver that fails ${failures} times gets it with try ${failures + 1}, under one id`, async () => {
      const failure = [answering(500), closing, answering(301, { location: "/" })][failures % 3];
      const { times, receiver, delivery } = await passAll(ended(running()), failing(failures, failure));
      expect([times.length, receiver.received.length]).toEqual([failures + 1, failures + 1]);
      expect(delivery).toMatchObject({ state: "delivered", attempts: failures + 1, lastStatus: 204 });
    });
  }

  test("is ten tries over about 75 hours, and then it has failed", async () => {
    const { times, delivery } = await passAll(ended(running()), answering(503));
    expect(delivery).toMatchObject({ state: "failed", attempts: 10, lastStatus: 503, nextAttemptAt: null });
    const waits = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1_000);
    for (const [index, wait] of waits.entries()) {
      const planned = defaultWaitsSeconds[index] ?? 0;
      expect(wait).toBeWithin(planned * 0.9 - 0.002, planned * 1.1 + 0.002);
    }
    expect((times.at(-1) ?? 0) / hourMilliseconds).toBeWithin(68, 84);
  });

  test("ends with 410", async () => {
    const { times, delivery } = await passAll(ended(running()), failing(2, answering(410)));
    expect([times.length, delivery?.state]).toEqual([1, "disabled"]);
  });
});

describe("receivers", () => {
  const clock: Clock = {
    now: () => ({ wall: Date.now(), monotonic: Bun.nanoseconds() }),
    wall: () => Date.now(),
    after(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
  };
  const statesOf = (outbox: SqliteOutbox, jobs: readonly Job[]) => {
    const counts: Partial<Record<DeliveryState, number>> = {};
    for (const { id } of jobs)
      for (const { state } of outbox.ofJob(id)) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  };

  test("that are dead do not delay others: 100 jobs to one, 100 to another", async () => {
    const dead = await Receiver.start(() => {});
    const alive = await Receiver.start();
    const { outbox, courier } = parts(clock, 30);
    const jobsTo = (url: string) =>
      Array.from({ length: 100 }, () => ended(running({ url }, { startedAt: Date.now() - 1_000 })));
    const [lost, told] = [jobsTo(dead.url()), jobsTo(alive.url())];
    for (const job of [...lost, ...told]) outbox.note(job);
    const begun = performance.now();
    courier.wake();
    await alive.untilReceived(200, 5_000);
    expect(performance.now() - begun).toBeLessThan(5_000);
    await until(() => statesOf(outbox, told).delivered === 200);
    expect([statesOf(outbox, lost), dead.received.length]).toEqual([{ pending: 200 }, 4]);
    for (const { id } of told) {
      const order = alive.received
        .filter(({ body }) => body.includes(id))
        .map(({ body }) => JSON.parse(body).type);
      expect(order).toEqual(["job.started", "job.ended"]);
    }
    await courier.stop(0);
    await until(() => dead.open === 0, { describe: "the connections that were given up to be closed" });
  });
});

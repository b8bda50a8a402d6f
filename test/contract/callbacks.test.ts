// Contract v1, `callback`: at least once, under one id, in order, signed; what became of it is told.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { answering, type Behaviour, closing, failing, Receiver } from "../support/callback-receiver.ts";
import {
  deliveriesOf,
  loopbackCallbacks,
  postJob,
  startCalling,
  untilState,
  verified,
} from "../support/callbacks.ts";
import { endedJob } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { timePattern } from "./support/v1.ts";

const nineWaits = Array.from({ length: 9 }, () => 0.05);
const limits = "[limits]\ncallbackTimeoutSeconds = 0.5\n";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: loopbackCallbacks(nineWaits, limits) });
});
afterAll(endEverything);

describe("a callback", () => {
  test("tells the job as it has ended, signed with the server's own secret", async () => {
    const receiver = await Receiver.start();
    const id = await startCalling(server, receiver.url("/hook?a=b"), { command: ["sh", "-c", "exit 3"] });
    await untilState(server, id, "delivered");
    const received = receiver.received[0] ?? fail();
    expect(received.path).toBe("/hook?a=b");
    expect(received.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": expect.stringMatching(/^Errand\/\d/),
      host: `127.0.0.1:${receiver.port}`,
    });
    expect(verified(server, received)).toMatchObject({
      type: "job.ended",
      job: { id, state: "ended", outcome: { reason: "exited", code: 3, signal: null, success: false } },
    });
    expect(statSync(join(server.dataDir, "callback-secret")).mode & 0o777).toBe(0o600);
    expect(Object.keys(verified(server, received) as object)).toEqual(["type", "job"]);
  });

  test("that is delivered is told with its job", async () => {
    const receiver = await Receiver.start(answering(202));
    const id = await startCalling(server, receiver.url());
    const deliveries = await untilState(server, id, "delivered");
    expect(deliveries).toEqual([
      {
        id: receiver.received[0]?.id ?? "",
        event: "job.ended",
        state: "delivered",
        attempts: 1,
        nextAttemptAt: null,
        lastAttemptAt: expect.stringMatching(timePattern),
        lastStatus: 202,
        lastError: null,
      },
    ]);
  });

  const failures: readonly [string, Behaviour][] = [
    ["answers 500", answering(500)],
    ["closes early", closing],
    ["redirects", answering(307, { location: "/elsewhere" })],
  ];
  for (let times = 0; times <= 9; times += 1) {
    const [what, failure] = failures[times % failures.length] ?? ["", closing];
    test(`comes with try ${times + 1} to a receiver that ${what} ${times} times, under one id`, async () => {
      const receiver = await Receiver.start(failing(times, failure));
      const id = await startCalling(server, receiver.url());
      const [delivery] = await untilState(server, id, "delivered");
      expect(delivery).toMatchObject({ attempts: times + 1, lastStatus: 204, lastError: null });
      expect([receiver.received.length, [...receiver.ids]]).toEqual([times + 1, [delivery?.id ?? ""]]);
      expect(receiver.received.filter(({ path }) => path !== "/")).toEqual([]);
      for (const received of receiver.received)
        expect(verified(server, received)).toMatchObject({ type: "job.ended", job: { id } });
    });
  }

  test("is given up after ten tries, and says why", async () => {
    const receiver = await Receiver.start(answering(503));
    const id = await startCalling(server, receiver.url());
    const [delivery] = await untilState(server, id, "failed");
    expect(delivery).toMatchObject({ attempts: 10, nextAttemptAt: null, lastStatus: 503 });
    expect(delivery?.lastError).toContain("503");
    await Bun.sleep(200);
    expect(receiver.received.length).toBe(10);
  });

  test("waits between its tries, and tells when the next one is", async () => {
    const slow = await startServer({ config: loopbackCallbacks([60]) });
    const receiver = await Receiver.start(answering(500));
    const id = await startCalling(slow, receiver.url());
    await receiver.untilReceived(1);
    await untilState(slow, id, "pending");
    const [delivery] = await deliveriesOf(slow, id);
    const wait = Date.parse(delivery?.nextAttemptAt ?? "") - Date.now();
    expect([delivery?.attempts, wait]).toEqual([1, expect.any(Number)]);
    expect(wait).toBeWithin(45_000, 66_001);
    expect(await slow.stop()).toBe(0);
  });

  test("to a receiver that answers too late is tried again", async () => {
    const receiver = await Receiver.start(failing(1, () => {}));
    const id = await startCalling(server, receiver.url());
    const [delivery] = await untilState(server, id, "delivered");
    expect([delivery?.attempts, receiver.received.length]).toEqual([2, 2]);
  });

  test("is sent no more to a receiver that is gone, which disables the job's other", async () => {
    const receiver = await Receiver.start(answering(410));
    const events = ["job.started", "job.ended"];
    const id = await startCalling(server, receiver.url(), { events, command: ["sleep", "0.5"] });
    await endedJob(server, id);
    const deliveries = await untilState(server, id, "disabled", { count: 2 });
    expect(deliveries).toMatchObject([
      { event: "job.started", attempts: 1, lastStatus: 410, nextAttemptAt: null },
      { event: "job.ended", attempts: 0, lastStatus: null, nextAttemptAt: null },
    ]);
    await Bun.sleep(200);
    expect(receiver.received.length).toBe(1);
  });
});

describe("the callbacks of a job", () => {
  const events = ["job.ended", "job.started"];
  const typesOf = (receiver: Receiver) =>
    receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);

  test("come in the order of its life, also when it is over at once and the first is refused", async () => {
    for (const command of [["true"], ["sleep", "0.3"]]) {
      const receiver = await Receiver.start(failing(2));
      const id = await startCalling(server, receiver.url(), { events, command });
      const deliveries = await untilState(server, id, "delivered", { count: 2 });
      expect(deliveries.map(({ event, attempts }) => [event, attempts])).toEqual([
        ["job.started", 3],
        ["job.ended", 1],
      ]);
      expect(typesOf(receiver)).toEqual(["job.started", "job.started", "job.started", "job.ended"]);
      expect(receiver.ids.size).toBe(2);
    }
  });

  test("come as they happen: the start while it runs", async () => {
    const receiver = await Receiver.start();
    const id = await startCalling(server, receiver.url(), { events, command: ["sleep", "30"] });
    await untilState(server, id, "delivered");
    expect(verified(server, receiver.received[0] ?? fail())).toMatchObject({
      type: "job.started",
      job: { id, state: "running", outcome: null },
    });
    await server.request(`/v1/jobs/${id}/stop`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"graceSeconds": 0}',
    });
    await untilState(server, id, "delivered", { count: 2 });
    expect(verified(server, receiver.received[1] ?? fail())).toMatchObject({
      type: "job.ended",
      job: { id, state: "ended", outcome: { reason: "stopped" } },
    });
  });

  test("are the end alone when nothing is said", async () => {
    const receiver = await Receiver.start();
    // Not so quick that its end could come before the answer.
    const response = await postJob(server, { command: ["sleep", "0.5"], callback: { url: receiver.url() } });
    const { id, callback } = (await response.json()) as { id: string; callback: unknown };
    expect(callback).toEqual({ url: receiver.url(), events: ["job.ended"], deliveries: [] });
    await untilState(server, id, "delivered");
    expect(typesOf(receiver)).toEqual(["job.ended"]);
  });
});

function fail(): never {
  throw new Error("nothing came");
}

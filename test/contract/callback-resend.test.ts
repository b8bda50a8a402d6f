// Contract v1, `POST /v1/jobs/{id}/callback/resend`, and callbacks whose job or server comes to an end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { answering, failing, Receiver } from "../support/callback-receiver.ts";
import { deliveriesOf, loopbackCallbacks, postJob, startCalling, untilState } from "../support/callbacks.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: loopbackCallbacks([0.05]) });
});
afterAll(endEverything);

const both = ["job.started", "job.ended"];
const pathOf = (id: string) => `/v1/jobs/${id}/callback/resend`;
const resend = (id: string, by = server) => by.request(pathOf(id), { method: "POST" });

describe("resending", () => {
  test("tells a failed callback again, from the first try on and under its id", async () => {
    const receiver = await Receiver.start(failing(3));
    const id = await startCalling(server, receiver.url());
    const [failed] = await untilState(server, id, "failed");
    expect(failed?.attempts).toBe(2);
    const response = await resend(id);
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { id, callback: { deliveries: [{ id: failed?.id, state: "pending", attempts: 0 }] } },
    ]);
    const [delivered] = await untilState(server, id, "delivered");
    expect([delivered?.attempts, receiver.received.length, receiver.ids.size]).toEqual([2, 4, 1]);
  });

  test("tells delivered and disabled ones again, in their order", async () => {
    const receiver = await Receiver.start();
    const id = await startCalling(server, receiver.url(), { events: both });
    await untilState(server, id, "delivered", { count: 2 });
    expect((await resend(id)).status).toBe(200);
    await receiver.untilReceived(4);
    const events = receiver.received.map(({ body }) => JSON.parse(body).type);
    expect([events, receiver.ids.size]).toEqual([[...both, ...both], 2]);
    receiver.behaviour = answering(410);
    await untilState(server, id, "delivered", { count: 2 });
    await resend(id);
    await untilState(server, id, "disabled", { count: 2 });
    receiver.behaviour = answering(200);
    await resend(id);
    await untilState(server, id, "delivered", { count: 2 });
  });

  test("of a job without a callback, or that is not there, is 404", async () => {
    const { id } = (await (await postJob(server, { command: ["true"] })).json()) as { id: string };
    await endedJob(server, id);
    for (const none of [id, "4711"])
      expect(await problem(server, pathOf(none), { method: "POST" })).toMatchObject({ status: 404 });
    expect(await problem(server, pathOf(id))).toMatchObject({ status: 405, allow: "POST" });
  });
});

describe("at the end", () => {
  test("of the server what is not delivered is kept, and the next one delivers it under the same id", async () => {
    const config = loopbackCallbacks([300]);
    const first = await startServer({ config });
    const receiver = await Receiver.start(failing(1));
    const id = await startCalling(first, receiver.url());
    await receiver.untilReceived(1);
    const [before] = await untilState(first, id, "pending");
    expect(await first.stop()).toBe(0);
    const next = await startServer({ config, dataDir: first.dataDir });
    expect(await deliveriesOf(next, id)).toEqual(before === undefined ? [] : [before]);
    expect((await resend(id, next)).status).toBe(200);
    await untilState(next, id, "delivered");
    expect(receiver.ids.size).toBe(1);
  });

  test("of the server a receiver that never answers holds it up no longer than said", async () => {
    const config = loopbackCallbacks([300], "[limits]\nlastAnswersSeconds = 0.2\n");
    const held = await startServer({ config });
    const receiver = await Receiver.start(() => {});
    const id = await startCalling(held, receiver.url());
    await receiver.untilReceived(1);
    const begun = performance.now();
    expect(await held.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
    receiver.behaviour = answering(204);
    const next = await startServer({ config, dataDir: held.dataDir });
    const [delivery] = await untilState(next, id, "delivered");
    expect([delivery?.attempts, receiver.ids.size]).toEqual([1, 1]);
  });

  test("of the job's time its callback is still told, from its record", async () => {
    const receiver = await Receiver.start(failing(1));
    const keeping = await startServer({ config: loopbackCallbacks([1.5]) });
    const callback = { url: receiver.url() };
    const response = await postJob(keeping, { command: ["true"], retainSeconds: 0.1, callback });
    const { id } = (await response.json()) as { id: string };
    const isGone = async () => (await keeping.request(`/v1/jobs/${id}`)).status === 404;
    await until(isGone, { describe: "the end of the job's time" });
    await until(() => receiver.received.length === 1, { describe: "the callback" });
    const [, second] = await receiver.untilReceived(2);
    expect(JSON.parse(second?.body ?? "")).toMatchObject({ job: { id, state: "ended" } });
  });
});

describe("the secret", () => {
  test("of the configured file signs, and none is made", async () => {
    const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
    const file = join(temporaryDirectory("secret"), "secret");
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    const signing = await startServer({
      config: loopbackCallbacks([0.05], `signingSecretFile = ${JSON.stringify(file)}\n`),
    });
    const receiver = await Receiver.start();
    const id = await startCalling(signing, receiver.url());
    await untilState(signing, id, "delivered");
    const { body = "", headers = {} } = receiver.received[0] ?? {};
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ job: { id } });
    expect(await Bun.file(join(signing.dataDir, "callback-secret")).exists()).toBe(false);
  });
});

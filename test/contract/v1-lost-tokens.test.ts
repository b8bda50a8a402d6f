// Contract v1: what a token has opened ends with it, when it is revoked and when it expires.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { attach, attachStatus } from "../support/attach.ts";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken, revokeToken } from "../support/tokens.ts";
import { until, within } from "../support/wait.ts";
import { startJob } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const atOnce = 1_000;
const running = () => startJob(server, { shell: "echo begun; exec cat", stdin: "open" });

/** Everything that goes on for as long as its client likes, opened with that secret. */
async function openAll(id: string, token: string) {
  const raw = await server.request(`/v1/jobs/${id}/stdout?follow=true`, { credential: token });
  if (raw.status !== 200) throw new Error(`${raw.status}: ${await raw.text()}`);
  const client = await attach(server, id, { token });
  await client.message("started");
  const events = await openFrames(server, `/v1/jobs/${id}/events`, { credential: token });
  await events.until(() => eventsOf(events).length >= 2, "what came before");
  const waits = server.request(`/v1/jobs/${id}?wait=60`, { credential: token });
  const life = await openFrames(server, "/v1/events", { credential: token, format: "sse" });
  return { client, events, life, raw, waits };
}

type Opened = Awaited<ReturnType<typeof openAll>>;

async function expectOver({ client, events, life, raw, waits }: Opened, milliseconds: number): Promise<void> {
  const timeoutMilliseconds = milliseconds;
  const body = raw.text().then(
    () => "whole",
    () => "broken",
  );
  const waited = waits.then(async (answer) => ({
    status: answer.status,
    ...((await answer.json()) as object),
  }));
  const [code, answer, bodyEnd] = await Promise.all([
    client.untilClosed(timeoutMilliseconds),
    within(waited, { timeoutMilliseconds, describe: "the answer to ?wait=" }),
    within(body, { timeoutMilliseconds, describe: "the end of raw output" }),
    events.untilOver(timeoutMilliseconds),
    life.untilOver(timeoutMilliseconds),
  ]);
  expect(code).toBe(1008);
  expect(answer).toMatchObject({ status: 401, code: "unauthorized" });
  expect([bodyEnd, events.ending, life.ending]).toEqual(["broken", "broken", "broken"]);
  expect(eventsOf(events).some(({ type }) => type === "ended")).toBe(false);
}

describe("a token that is revoked", () => {
  test("ends an attachment that reads nothing, and does not wait for that", async () => {
    const own = await startServer({ config: "[limits]\nattachers = 1\n" });
    const { id, secret } = await makeToken(own, ["run", "read"]);
    const job = await startJob(own, { shell: "head -c 32000000 /dev/zero; exec cat", stdin: "open" });
    const client = await attach(own, job.id, { token: secret });
    await client.message("started");
    client.socket.pause();
    // Its place is free when its connection has ended.
    expect(await attachStatus(own, job.id)).toBe(429);
    await revokeToken(own, id);
    const isFree = async () => (await attachStatus(own, job.id)) === 101;
    await until(isFree, { timeoutMilliseconds: atOnce, describe: "the end of its connection" });
    client.cut();
  });

  test("ends all that it has opened at once, and nothing of others", async () => {
    const { id } = await running();
    const [lost, kept] = await Promise.all([
      makeToken(server, ["run", "read"]),
      makeToken(server, ["run", "read"]),
    ]);
    const [over, open] = [await openAll(id, lost.secret), await openAll(id, kept.secret)];
    expect(await revokeToken(server, lost.id)).toBe(204);
    await expectOver(over, atOnce);
    open.client.type("on\n");
    await open.client.untilShown("on\n");
    await open.events.until(() => eventsOf(open.events).length >= 3, "what was typed");
    open.client.closeStdin();
    expect([(await open.waits).status, await open.raw.text()]).toEqual([200, "begun\non\n"]);
    expect(await open.client.untilClosed()).toBe(1000);
    open.life.close();
  });

  test("ends the job that belongs to its stream, as a client that goes away does", async () => {
    const { id, secret } = await makeToken(server, ["run", "read"]);
    const mark = newToken();
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ command: [program("run-for-ever"), mark] });
    const stream = await openFrames(server, "/v1/jobs", {
      method: "POST",
      credential: secret,
      headers,
      body,
    });
    await untilLiving(mark, 1);
    await revokeToken(server, id);
    await stream.untilOver(atOnce);
    await untilLiving(mark, 0);
    const job = await server.request(`/v1/jobs/${stream.response.headers.get("errand-job-id")}?wait=5`);
    expect(await job.json()).toMatchObject({ state: "ended", outcome: { reason: "disconnected" } });
  });

  test("by itself is answered that it was", async () => {
    const { id, secret } = await makeToken(server, ["admin"]);
    expect(await revokeToken(server, id, { credential: secret })).toBe(204);
    expect((await server.request("/v1/info", { credential: secret })).status).toBe(401);
  });
});

test("a token that expires ends all that it has opened", async () => {
  const { id } = await running();
  const lives = 1_500;
  const expiresAt = new Date(Date.now() + lives).toISOString();
  const { secret } = await makeToken(server, ["run", "read"], { expiresAt });
  const opened = await openAll(id, secret);
  expect(Date.now()).toBeLessThan(Date.parse(expiresAt));
  await expectOver(opened, lives + atOnce);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  await server.request(`/v1/jobs/${id}/stop`, { method: "POST" });
});

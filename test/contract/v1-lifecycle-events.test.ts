// Contract v1, `GET /v1/events`: what happens to all jobs from now on.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { z } from "@hono/zod-openapi";
import { lifecycleEventSchema } from "../../src/protocol/events.ts";
import { type FrameStream, openFrames } from "../support/event-stream.ts";
import { newAlias, run } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { problem } from "./support/v1.ts";
import { endOf, postJob, runJob, startJob } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

type LifecycleEvent = z.infer<typeof lifecycleEventSchema>;

const formats = ["sse", "ndjson"] as const;

function eventsOf({ frames }: FrameStream): LifecycleEvent[] {
  return frames.map(({ json, id, name }) => {
    const event = lifecycleEventSchema.parse(json);
    if (id !== undefined) expect([id, name]).toEqual([event.cursor, event.type]);
    return event;
  });
}

/** What the stream tells of one job, in order. */
function of(stream: FrameStream, id: string): string[] {
  return eventsOf(stream).flatMap((event) => ("job" in event && event.job.id === id ? [event.type] : []));
}

describe.each([...formats])("as %s", (format) => {
  test("each job's start and end are told as they happen, with the job as it was then", async () => {
    const stream = await openFrames(server, "/v1/events", { format });
    const { id } = await runJob(server, { shell: "exit 3", labels: { a: "b" } });
    await stream.until(() => of(stream, id).length === 2, "start and end");
    expect(of(stream, id)).toEqual(["job.started", "job.ended"]);
    const [started, ended] = eventsOf(stream).filter((event) => "job" in event && event.job.id === id);
    expect(started).toMatchObject({ job: { state: "running", outcome: null, labels: { a: "b" } } });
    expect(ended).toMatchObject({ job: await endOf(server, id) });
    stream.close();
  });

  test("jobs of every door and every mode are told, and those that could not be started", async () => {
    const stream = await openFrames(server, "/v1/events", { format });
    const attached = (await run(server, ["true"])).job.id;
    const detached = (await startJob(server, { command: ["true"], mode: "detached" })).id;
    const alias = newAlias();
    await postJob(server, { command: ["/no/such/program"], alias });
    const failed = () =>
      eventsOf(stream).find((event) => event.type === "job.failed" && event.job.alias === alias);
    await stream.until(() => failed() !== undefined && of(stream, attached).length === 2, "all of them");
    expect(of(stream, attached)).toEqual(["job.started", "job.ended"]);
    expect(of(stream, detached)).toEqual(["job.started"]);
    expect(failed()).toMatchObject({ job: { state: "failed", failure: expect.stringContaining("program") } });
    stream.close();
  });
});

test("what has happened before is not told", async () => {
  const { id } = await runJob(server, { command: ["true"] });
  const stream = await openFrames(server, "/v1/events");
  const next = await runJob(server, { command: ["true"] });
  await stream.until(() => of(stream, next.id).length === 2, "the next job");
  expect(of(stream, id)).toEqual([]);
  stream.close();
});

test("who does not read misses events, is told how many, and holds up nobody", async () => {
  const slow = await rawConnection(server);
  slow.send(
    requestBytes(server, { method: "GET", path: "/v1/events", headers: { accept: "application/x-ndjson" } }),
  );
  await slow.untilHead();
  slow.pause();
  // What each event holds of its job fills what the kernel takes for one who does not read.
  const labels = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`l${index}`, "x".repeat(255)]));
  const command = ["true", ...Array.from({ length: 20 }, () => "y".repeat(20_000))];
  const count = 60;
  for (let turn = 0; turn < count; turn += 1) await runJob(server, { command, labels });
  slow.resume();
  const last = await runJob(server, { command: ["true"], labels: { last: "one" } });
  const lines = () => slow.answer().body.toString().split("\n");
  const whole = () => lines().some((line) => line.includes(last.id) && line.includes("job.ended"));
  await slow.until(whole, "the last event");
  const events = lines().flatMap((line) => {
    try {
      return [lifecycleEventSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
  const missed = events.reduce((sum, event) => sum + (event.type === "gap" ? event.missed : 0), 0);
  const told = events.filter(({ type }) => type.startsWith("job.")).length;
  expect(missed).toBeGreaterThan(0);
  expect(missed + told).toBe(2 * (count + 1));
  slow.close();
});

describe("refused", () => {
  test("without the scope to read", async () => {
    const { secret } = await makeToken(server, ["run"]);
    expect(await problem(server, "/v1/events", { credential: secret })).toMatchObject({ status: 403 });
    expect(await problem(server, "/v1/events", { credential: false })).toMatchObject({ status: 401 });
  });

  test.each(["cursor=1", "follow=false", "job=1"])(
    "with the parameter %s: there is nothing to resume from",
    async (query) => {
      const found = await problem(server, `/v1/events?${query}`);
      expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
    },
  );

  test("by another method", async () => {
    expect(await problem(server, "/v1/events", { method: "POST" })).toMatchObject({
      status: 405,
      allow: "GET",
    });
  });
});

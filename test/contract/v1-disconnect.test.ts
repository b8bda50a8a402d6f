// Contract v1, `onDisconnect`: what becomes of a job when the last client that follows it has gone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { WireJob } from "../../src/protocol/job.ts";
import { textOf } from "../support/event-frames.ts";
import {
  eventsOf,
  type FrameStream,
  openFrames,
  readEvents,
  type StreamRequest,
} from "../support/event-stream.ts";
import { openPorts, withPort } from "../support/open-ports.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { endOf, startJob, startProblem } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const headers = { "content-type": "application/json" };

const ports = new Map<FrameStream, number>();

async function open(path: string, request?: StreamRequest): Promise<FrameStream> {
  const [stream, port] = await withPort(server.port, () => openFrames(server, path, request));
  ports.set(stream, port);
  return stream;
}

/** Starts with a stream of events, and waits for the job to be running. */
async function attach(spec: Readonly<Record<string, unknown>>): Promise<{ id: string; stream: FrameStream }> {
  const stream = await open("/v1/jobs", { method: "POST", headers, body: JSON.stringify(spec) });
  await stream.until(() => stream.frames.length > 0, "the start");
  return { id: stream.response.headers.get("errand-job-id") ?? "", stream };
}

const follow = (id: string, query = "") => open(`/v1/jobs/${id}/events${query}`);

async function get(id: string): Promise<WireJob> {
  return (await (await server.request(`/v1/jobs/${id}`)).json()) as WireJob;
}

/** Leaves, and waits until the server has seen it. */
async function leave(stream: FrameStream): Promise<void> {
  stream.close();
  const seen = () => !openPorts(server.port).has(ports.get(stream) ?? 0);
  await until(seen, { describe: "the server to see that somebody left" });
}

const disconnected = { reason: "disconnected", success: false };

describe("kill, which is the default of a start with a stream", () => {
  test("stops the whole tree", async () => {
    const token = newToken();
    const { id, stream } = await attach({ command: [program("child"), token] });
    await untilLiving(token, 2);
    stream.close();
    await untilGone(token);
    expect((await endOf(server, id)).outcome).toMatchObject(disconnected);
  });

  test("waits for the last of several", async () => {
    const { id, stream } = await attach({ command: ["sleep", "60"] });
    const others = [await follow(id), await follow(id)];
    await leave(stream);
    expect((await get(id)).state).toBe("running");
    await leave(others[0] as FrameStream);
    expect((await get(id)).state).toBe("running");
    others[1]?.close();
    expect((await endOf(server, id)).outcome).toMatchObject(disconnected);
  });

  test("counts those who follow, not those who look", async () => {
    const { id, stream } = await attach({ shell: `echo x; ${waitHere}`, stdin: "open" });
    await readEvents(server, id, { query: "?follow=false" });
    await (await server.request(`/v1/jobs/${id}/stdout`)).text();
    await get(id);
    expect((await get(id)).state).toBe("running");
    await goOn(server, id);
    await stream.untilOver();
    expect((await get(id)).outcome).toMatchObject({ reason: "exited" });
  });

  test("takes who follows the raw output for one who is there", async () => {
    const { id, stream } = await attach({ shell: `${waitHere}; echo done`, stdin: "open" });
    const raw = await server.request(`/v1/jobs/${id}/stdout?follow=true`);
    await leave(stream);
    await goOn(server, id);
    expect(await raw.text()).toBe("done\n");
    expect((await get(id)).outcome).toMatchObject({ reason: "exited" });
  });
});

describe("detach", () => {
  test("lets it run on, and its output can be read to the end", async () => {
    const spec = { shell: `echo a; ${waitHere}; echo b`, stdin: "open", onDisconnect: "detach" };
    const { id, stream } = await attach(spec);
    await leave(stream);
    await goOn(server, id);
    expect((await endOf(server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
    expect(textOf(await readEvents(server, id), "stdout")).toBe("a\nb\n");
  });

  test("is the default of a start without a stream: who follows it may leave", async () => {
    const { id } = await startJob(server, { shell: waitHere, stdin: "open" });
    const stream = await follow(id);
    await leave(stream);
    expect((await get(id)).state).toBe("running");
    await goOn(server, id);
    expect((await endOf(server, id)).outcome).toMatchObject({ reason: "exited" });
  });
});

describe("killAfterSeconds", () => {
  test("who comes back in time finds it running, and misses nothing", async () => {
    const spec = {
      shell: `echo a; ${waitHere}; echo b`,
      stdin: "open",
      onDisconnect: { killAfterSeconds: 60 },
    };
    const { id, stream } = await attach(spec);
    await stream.until(() => eventsOf(stream).length === 2, "the first line");
    await leave(stream);
    const again = await follow(id, `?cursor=${eventsOf(stream).at(-1)?.cursor}`);
    await goOn(server, id);
    await again.untilOver();
    expect(textOf(eventsOf(again), "stdout", 2)).toBe("b\n");
    expect((await get(id)).outcome).toMatchObject({ reason: "exited" });
  });

  test("when nobody does it is stopped, not before its time", async () => {
    const spec = { command: ["sleep", "60"], onDisconnect: { killAfterSeconds: 0.5 } };
    const { id, stream } = await attach(spec);
    const left = Date.now();
    stream.close();
    const { outcome, endedAt } = await endOf(server, id);
    expect(outcome).toMatchObject(disconnected);
    expect(Date.parse(endedAt ?? "") - left).toBeGreaterThanOrEqual(500);
  });

  test("each one who comes back begins the time anew", async () => {
    const spec = { command: ["sleep", "60"], onDisconnect: { killAfterSeconds: 0.5 } };
    const { id, stream } = await attach(spec);
    stream.close();
    const again = await follow(id);
    // Longer than the time, with somebody there.
    const wait = await server.request(`/v1/jobs/${id}?wait=1`);
    expect(await wait.json()).toMatchObject({ state: "running" });
    again.close();
    expect((await endOf(server, id)).outcome).toMatchObject(disconnected);
  });

  test("0 is at once", async () => {
    const { id, stream } = await attach({ command: ["sleep", "60"], onDisconnect: { killAfterSeconds: 0 } });
    stream.close();
    expect((await endOf(server, id)).outcome).toMatchObject(disconnected);
  });

  test("of a job in the background counts from the first one who follows it", async () => {
    const { id } = await startJob(server, {
      command: ["sleep", "60"],
      onDisconnect: { killAfterSeconds: 0.1 },
    });
    const wait = await server.request(`/v1/jobs/${id}?wait=0.5`);
    expect(await wait.json()).toMatchObject({ state: "running" });
    const stream = await follow(id);
    stream.close();
    expect((await endOf(server, id)).outcome).toMatchObject(disconnected);
  });

  test("a job that has ended meanwhile does not keep the server from its end", async () => {
    const own = await startServer();
    const body = JSON.stringify({ shell: "exit 0", onDisconnect: { killAfterSeconds: 86_400 } });
    const stream = await openFrames(own, "/v1/jobs", { method: "POST", headers, body });
    await stream.untilOver();
    expect(await own.stop(5_000)).toBe(0);
  });
});

test.each([
  ["keep"],
  [{}],
  [{ killAfterSeconds: -1 }],
  [{ killAfterSeconds: 86_401 }],
  [{ killAfterSeconds: "5" }],
  [{ killAfterSeconds: 5, grace: 1 }],
  [null],
  [5],
])("onDisconnect %p is refused", async (onDisconnect) => {
  const found = await startProblem(server, { command: ["true"], onDisconnect });
  expect([found.status, found.code]).toEqual([422, "invalid-spec"]);
  expect(found.detail).toContain("onDisconnect");
});

// Clients that break their connections and come back at once, again and again, on every call whose answer goes on: they
// hold up nobody else, and nothing of them is left, neither a descriptor nor a place nor a job.
import { afterAll, expect, test } from "bun:test";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { rawConnection } from "../support/raw.ts";
import { type RawRequest, requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, untilSteady } from "../support/wait.ts";
import { background, look, ran, shell } from "./support/background.ts";
import { MemoryWatch } from "./support/memory-watch.ts";

afterAll(endEverything);

const clients = 100;
const seconds = 4;
/** So many streams may be open: those of the clients, and as many that have gone and are not noticed yet. */
const followers = 2 * clients;
/** From the last break on. */
const mostMilliseconds = 10_000;
/** Many events, and more than the kernel takes of them at once. */
const writer = "for turn in $(seq 1 100); do seq 1 300; head -c 900 /dev/urandom >&2; sleep 0.01; done";
const mostBytesRead = 60_000;
const bytesToKill = 40;

/** What is asked for, from a job that has much on record and one that says nothing. */
function requestsFor(written: string, quiet: string): RawRequest[] {
  const get = (path: string): RawRequest => ({ method: "GET", path });
  const start = (accept: string, more: object = {}): RawRequest => ({
    path: "/v1/jobs",
    headers: { accept },
    body: JSON.stringify({ command: ["sleep", "60"], ...more }),
  });
  return [
    ...[written, quiet].flatMap((id) => [
      get(`/v1/jobs/${id}/events`),
      get(`/v1/jobs/${id}/stdout?follow=true`),
    ]),
    ...[get(`/v1/jobs/${written}/stdout`), get(`/v1/jobs/${quiet}?wait=60`), get("/v1/events")],
    ...[start("text/event-stream"), start("application/octet-stream")],
    // Its output is kept, and followed from there.
    start("application/octet-stream", { limits: { outputBytes: bytesToKill } }),
  ];
}

/** Breaks a connection while its request is read, while it is carried out, or in the middle of its answer. */
async function comeAndGo(server: Server, request: RawRequest): Promise<void> {
  const connection = await rawConnection(server);
  const bytes = requestBytes(server, request);
  const moment = Math.random();
  const some = (most: number) => Math.floor(Math.random() * most);
  connection.send(moment < 0.2 ? bytes.subarray(0, some(bytes.length)) : bytes);
  if (moment > 0.6) {
    const wanted = request.path?.includes("wait=") ? 0 : some(mostBytesRead);
    const enough = () => connection.length >= Math.min(wanted, 1) || connection.ending !== "open";
    await connection.until(enough, "the begin of the answer", 20_000);
    // What has much to say is read for a while; what has not is left at once.
    for (let before = -1; connection.length < wanted && connection.length > before; ) {
      before = connection.length;
      await Bun.sleep(5);
    }
  } else if (moment > 0.4) await connection.sent();
  connection.reset();
}

test(`${clients} clients that do so for ${seconds} s`, async () => {
  const config = `[limits]\nheartbeatSeconds = 1\nfollowers = ${followers}\n`;
  const server = await startServer({ atRest: true, config });
  const { id: written } = await ran(server, shell(writer));
  const { id: quiet } = await background(server, { command: ["sleep", "120"] });
  const stream = await openFrames(server, `/v1/jobs/${quiet}/events`);
  await stream.until(() => stream.frames.length === 1, "the start");
  // The stream opens what it reads behind its first event.
  const idle = await untilSteady(() => server.openDescriptors());
  const memory = new MemoryWatch(server);
  const requests = requestsFor(written, quiet);
  const end = performance.now() + seconds * 1_000;
  let times = 0;
  const client = async () => {
    for (; performance.now() < end; times += 1)
      await comeAndGo(server, requests[times % requests.length] as RawRequest);
  };
  await memory.during(Promise.all(Array.from({ length: clients }, client)));
  const beats = eventsOf(stream).filter(({ type }) => type === "heartbeat").length;
  const over = performance.now();
  await until(() => server.openDescriptors() <= idle, {
    timeoutMilliseconds: mostMilliseconds,
    describe: () => `all to be closed: ${server.openDescriptors() - idle} more than before`,
  });
  const closedAfter = Math.round(performance.now() - over);
  const text = `all closed ${closedAfter} ms later; memory grew by ${memory.text}`;
  console.log(
    `reconnects: ${times} connections broken in ${seconds} s; ${beats} heartbeats beside them; ${text}`,
  );

  // On time, but for the last one perhaps.
  expect(beats).toBeGreaterThanOrEqual(seconds - 2);
  expect(times).toBeGreaterThan(3 * clients);
  const running = async () => {
    const response = await server.request("/v1/jobs?state=starting,running&limit=500");
    return ((await response.json()) as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
  };
  // What was started for a client that has gone was stopped.
  await until(async () => (await running()).length === 1, {
    describe: () => "what was started for them to be stopped",
  });
  expect(await running()).toEqual([quiet]);
  expect(await look(server, quiet)).toMatchObject({ state: "running" });
  // Every place is free again: as many streams as there may be can be opened.
  const all = await Promise.all(
    Array.from({ length: followers - 1 }, () => openFrames(server, `/v1/jobs/${quiet}/events`)),
  );
  const oneTooMany = await server.request(`/v1/jobs/${quiet}/events`);
  expect([oneTooMany.status, await oneTooMany.text()]).toEqual([429, expect.any(String)]);
  for (const one of [stream, ...all]) one.close();
  expect(server.logLines().filter(({ msg }) => msg === "internal error")).toEqual([]);
}, 60_000);

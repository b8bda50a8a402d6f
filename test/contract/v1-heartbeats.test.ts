// Contract v1: a quiet stream shows that it lives, in the formats that can tell it from output.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { textOf, typesOf } from "../support/event-frames.ts";
import { eventsOf, type FrameStream, openFrames, readEvents } from "../support/event-stream.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { startJob, untilWritten } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: "[limits]\nheartbeatSeconds = 1\n" });
});
afterAll(endEverything);

const heartbeats = (stream: FrameStream) =>
  eventsOf(stream).filter(({ type }) => type === "heartbeat").length;

test("heartbeats come while nothing else does, and are no place of their own", async () => {
  const shell = `echo a; ${waitHere}; echo b`;
  const { id } = await startJob(server, { shell, stdin: "open" });
  await untilWritten(server, { id, text: "a\n" });
  const path = `/v1/jobs/${id}/events`;
  const open = await Promise.all([
    openFrames(server, path),
    openFrames(server, path, { format: "sse" }),
    // One who has seen everything hears heartbeats alone, at the place where it is.
    openFrames(server, `${path}?cursor=2-0`),
  ]);
  await Promise.all(open.map((stream) => stream.until(() => heartbeats(stream) >= 2, "two heartbeats")));
  await goOn(server, id);
  await Promise.all(open.map((stream) => stream.untilOver()));
  for (const [index, stream] of open.entries()) {
    const events = eventsOf(stream);
    const from = index === 2 ? 2 : 0;
    expect(textOf(events, "stdout", from)).toBe("a\nb\n".slice(from));
    for (const [at, { type, cursor }] of events.entries())
      if (type === "heartbeat") expect(cursor).toBe(at === 0 ? "2-0" : (events[at - 1]?.cursor ?? ""));
    expect(events.at(-1)?.type).toBe("ended");
  }
});

test("who goes on from one that came before the start hears of the start", async () => {
  const first = await startJob(server, { shell: waitHere, stdin: "open", alias: "one-at-a-time" });
  const queued = { command: ["echo", "x"], alias: "one-at-a-time", aliasPolicy: "queue" };
  const { id } = await startJob(server, queued);
  const stream = await openFrames(server, `/v1/jobs/${id}/events`, { format: "sse" });
  await stream.until(() => heartbeats(stream) > 0, "a heartbeat");
  const [heartbeat] = eventsOf(stream);
  stream.close();
  await goOn(server, first.id);
  const events = await readEvents(server, id, { query: `?cursor=${heartbeat?.cursor}` });
  expect(typesOf(events)).toEqual(["started", "stdout", "ended"]);
});

test("a stream that is not quiet has none", async () => {
  const { id } = await startJob(server, { shell: "for i in $(seq 30); do echo $i; sleep 0.1; done" });
  const stream = await openFrames(server, `/v1/jobs/${id}/events`);
  await stream.untilOver();
  expect(eventsOf(stream).at(-1)?.type).toBe("ended");
  // Some 3 s in pieces; the machine may have been elsewhere for a second.
  expect(heartbeats(stream)).toBeLessThanOrEqual(1);
});

test("the life of all jobs has them, too", async () => {
  const stream = await openFrames(server, "/v1/events");
  const first = () => stream.frames.length > 0;
  await stream.until(first, "a heartbeat");
  expect(stream.frames[0]?.json).toEqual({ type: "heartbeat", cursor: "" });
  stream.close();
});

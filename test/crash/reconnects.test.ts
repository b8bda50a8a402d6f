// Clients that cut their streams and come back at once, again and again: they hold up nobody else, and leave nothing.
import { afterAll, expect, test } from "bun:test";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background, ran, shell } from "./support/background.ts";
import { MemoryWatch } from "./support/memory-watch.ts";

afterAll(endEverything);

const clients = 100;
const seconds = 4;
/** Many events, and more than the kernel takes of them at once. */
const writer = "for turn in $(seq 1 100); do seq 1 300; head -c 900 /dev/urandom >&2; sleep 0.01; done";
const mostBytesRead = 60_000;

/** Reads a part of a job's events and breaks the connection, as often as there is time for. */
async function comeAndGo(server: Server, id: string, end: number): Promise<number> {
  let times = 0;
  for (; performance.now() < end; times += 1) {
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/events` }));
    const bytes = Math.random() * mostBytesRead;
    await connection.until(() => connection.length >= bytes, `${bytes} bytes`, 20_000);
    connection.reset();
  }
  return times;
}

test(`${clients} clients that do so for ${seconds} s`, async () => {
  const server = await startServer({ config: "[limits]\nheartbeatSeconds = 1\n" });
  const { id } = await ran(server, shell(writer));
  const quiet = await background(server, shell("sleep 60"));
  const stream = await openFrames(server, `/v1/jobs/${quiet.id}/events`);
  await stream.until(() => stream.frames.length === 1, "the start");
  const idle = server.openDescriptors();
  const memory = new MemoryWatch(server);
  let open = Number.NaN;
  const end = performance.now() + seconds * 1_000;
  const all = Promise.all(Array.from({ length: clients }, () => comeAndGo(server, id, end)));
  all.then(() => {
    // Those who have gone are not all noticed yet, but no more than have come a moment ago.
    open = server.openDescriptors() - idle;
  });
  const times = (await memory.during(all)).reduce((sum, one) => sum + one, 0);
  const beats = eventsOf(stream).filter(({ type }) => type === "heartbeat").length;
  console.log(
    `${times} streams cut in ${seconds} s; ${beats} heartbeats, ${open} left open; memory grew by ${memory.text}`,
  );
  // On time, but for the last one perhaps.
  expect(beats).toBeGreaterThanOrEqual(seconds - 2);
  expect(open).toBeLessThanOrEqual(4 * clients);
  await until(() => server.openDescriptors() <= idle, { describe: "all of them to be closed" });
  stream.close();
}, 40_000);

// Many who follow one job, one of whom does not read: the others get everything, and in time.
import { afterAll, expect, test } from "bun:test";
import { bytesOf, frameReader, type WireEvent } from "../support/event-frames.ts";
import { eventOf } from "../support/event-stream.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background } from "./support/background.ts";
import { MemoryWatch } from "./support/memory-watch.ts";

afterAll(endEverything);

const mebibyte = 1024 * 1024;
const followerCount = 200;
const pieces = 10;
const pieceBytes = 64 * 1024;
/** For a piece to be with all of them; on an idle machine it is a tenth of that. */
const mostMilliseconds = 4_000;
/** So few go on with so much: more than the kernel holds for one who does not read. */
const remaining = 5;
const largeBytes = 24 * mebibyte;
const largePiece = 4 * mebibyte;
const mostGrowth = 400 * mebibyte;

const events = (connection: RawConnection): WireEvent[] =>
  frameReader("ndjson")(connection.answer().body).map(eventOf);

async function follow(server: Server, id: string): Promise<RawConnection> {
  const connection = await rawConnection(server);
  const headers = { accept: "application/x-ndjson" };
  connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/events`, headers }));
  return connection;
}

async function write(server: Server, id: string, bytes: Uint8Array<ArrayBuffer>, query = ""): Promise<void> {
  const response = await server.request(`/v1/jobs/${id}/stdin${query}`, { method: "PUT", body: bytes });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}

/** Text, so that a byte is a byte of the stream; each piece is another one. */
function piece(index: number, bytes: number): Uint8Array<ArrayBuffer> {
  const line = `${String(index).padStart(6, "0")} 0123456789abcdef\n`;
  return Uint8Array.from(Buffer.alloc(bytes, line));
}

test(`${followerCount} followers, one of them stalled: the others are whole and in time, memory is bounded`, async () => {
  const server = await startServer({ atRest: true });
  const { id } = await background(server, { command: ["cat"], stdin: "open" });
  const all = await Promise.all(Array.from({ length: followerCount }, () => follow(server, id)));
  await Promise.all(all.map((one) => one.untilHead(20_000)));
  const [stalled, ...others] = all;
  stalled?.pause();
  const memory = new MemoryWatch(server);
  let written = Buffer.alloc(0);
  let slowest = 0;
  for (let index = 0; index < pieces; index += 1) {
    const bytes = piece(index, pieceBytes);
    const began = performance.now();
    written = Buffer.concat([written, bytes]);
    await write(server, id, bytes);
    const least = written.length;
    await Promise.all(others.map((one) => one.until(() => one.length >= least, `piece ${index}`, 20_000)));
    slowest = Math.max(slowest, performance.now() - began);
    memory.look();
  }
  const manyGrown = memory.text;
  for (const one of others.slice(remaining)) one.close();
  const few = others.slice(0, remaining);
  for (let at = 0; at < largeBytes; at += largePiece) {
    const bytes = piece(at, largePiece);
    written = Buffer.concat([written, bytes]);
    await write(server, id, bytes);
    memory.look();
  }
  await write(server, id, new Uint8Array(0), "?close=true");
  await memory.during(Promise.all(few.map((one) => one.untilAnswered(30_000))));
  const readers = [...few];
  for (const one of readers) {
    expect(bytesOf(events(one), "stdout").equals(written)).toBe(true);
    expect(events(one).at(-1)?.type).toBe("ended");
  }
  console.log(
    `${followerCount} followers: the slowest piece took ${Math.round(slowest)} ms; memory grew by ${manyGrown}, by ` +
      `${memory.text} with ${largeBytes / mebibyte} MiB for ${remaining} and one who does not read`,
  );
  expect(slowest).toBeLessThan(mostMilliseconds);
  expect(memory.grownBytes).toBeLessThan(mostGrowth);
  // It has held up nobody, and has lost nothing.
  const stalledBytes = stalled?.length ?? 0;
  expect(stalledBytes).toBeLessThan(written.length);
  stalled?.resume();
  await stalled?.untilAnswered(30_000);
  expect(stalled && bytesOf(events(stalled), "stdout").equals(written)).toBe(true);
  await until(() => server.openDescriptors() < 40, { describe: "all followers to be gone" });
}, 60_000);

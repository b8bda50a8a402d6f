// Streams that are cut at any byte and resumed: no byte lost or doubled, in order, stdout and stderr apart.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { bytesOf, frameReader, type StreamFormat, type WireEvent } from "../support/event-frames.ts";
import { eventOf } from "../support/event-stream.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { background, ended, output, shell } from "./support/background.ts";

const streamCount = 100;
const jobCount = 4;
/** An event may be some 90,000 bytes long: most cuts are in the middle of one, and some let it come. */
const mostBytesAtOnce = 150_000;
const timeoutMilliseconds = 60_000;

/** Lines with characters of 1 to 4 bytes on stdout and no text at all on stderr, in pieces, for some seconds. */
const writer = shell(
  "for turn in $(seq 1 100); do seq -f 'é☃🦊 %015.0f' 1 40; head -c 900 /dev/urandom >&2; sleep 0.02; done; exit 7",
);

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: "[limits]\nheartbeatSeconds = 1\n" });
});
afterAll(endEverything);

interface Read {
  readonly events: WireEvent[];
  cuts: number;
}

/** Reads a job's events to their end, over as many connections as it takes. */
async function readAll(id: string, format: StreamFormat): Promise<Read> {
  const read: Read = { events: [], cuts: 0 };
  while (read.events.at(-1)?.type !== "ended") {
    const cursor = read.events.at(-1)?.cursor;
    const query = format === "sse" || cursor === undefined ? "" : `?cursor=${cursor}`;
    const connection = await rawConnection(server);
    const headers = {
      accept: format === "sse" ? "text/event-stream" : "application/x-ndjson",
      "last-event-id": format === "sse" ? cursor : undefined,
    };
    connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/events${query}`, headers }));
    const bytes = Math.floor(Math.random() * mostBytesAtOnce);
    await connection.until(() => connection.length >= bytes || isOver(connection), `${bytes} bytes`, 30_000);
    connection.reset();
    read.cuts += 1;
    const { body, status } = connection.answer();
    if (status !== 200 && status !== 0) throw new Error(`${status}: ${body}`);
    // What of an event has come is thrown away: only whole ones count.
    read.events.push(...frameReader(format)(wholeFrames(body, format)).map(eventOf));
  }
  return read;
}

function isOver(connection: RawConnection): boolean {
  return connection.ending !== "open" || connection.bytes().subarray(-5).toString() === "0\r\n\r\n";
}

function wholeFrames(body: Buffer, format: StreamFormat): Buffer {
  const end = body.lastIndexOf(format === "sse" ? "\n\n" : "\n");
  return body.subarray(0, end < 0 ? 0 : end + (format === "sse" ? 2 : 1));
}

test(
  `${streamCount} streams of ${jobCount} jobs, cut at random bytes and resumed, are whole`,
  async () => {
    const jobs = await Promise.all(Array.from({ length: jobCount }, () => background(server, writer)));
    const reads = await Promise.all(
      Array.from({ length: streamCount }, (_, index) =>
        readAll(jobs[index % jobCount]?.id ?? "", index % 3 === 0 ? "sse" : "ndjson"),
      ),
    );
    for (const [at, { id }] of jobs.entries()) {
      const job = await ended(server, id);
      const [stdout, stderr] = [await output(server, id, "stdout"), await output(server, id, "stderr")];
      expect([stderr.length, stdout.length]).toEqual([90_000, 100 * 40 * 26]);
      for (const [, { events }] of [...reads.entries()].filter(([index]) => index % jobCount === at)) {
        // `bytesOf` holds each offset against the end of the event before.
        expect(bytesOf(events, "stdout").equals(stdout)).toBe(true);
        expect(bytesOf(events, "stderr").equals(stderr)).toBe(true);
        const types = events.map(({ type }) => type);
        expect(types.filter((type) => type === "started" || type === "ended")).toEqual(["started", "ended"]);
        expect([types[0], types.at(-1)]).toEqual(["started", "ended"]);
        expect(events.at(-1)).toMatchObject({
          outcome: { reason: "exited", code: 7 },
          job: { id, pid: job.pid },
        });
        // stdout is text, and no event may hold half a character of it.
        for (const event of events) if (event.type === "stdout") expect(event.text).toBeString();
      }
    }
    const cuts = reads.reduce((sum, { cuts: count }) => sum + count, 0);
    console.log(`resume: ${streamCount} streams over ${cuts} connections, all whole`);
    expect(cuts).toBeGreaterThan(3 * streamCount);
  },
  timeoutMilliseconds,
);

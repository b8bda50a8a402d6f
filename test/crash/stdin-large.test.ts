// 100 MB through a command's stdin and back from its stdout, over several requests: every byte, and never much of it in
// the server, since who is slow holds back who is fast.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { stop } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background, ended } from "./support/background.ts";
import { BodyReader } from "./support/body-reader.ts";
import { MemoryWatch } from "./support/memory-watch.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true });
});
afterAll(endEverything);

const total = 100_000_000;
const requestBody = 8 * 1024 * 1024;
const mebibyte = 1024 * 1024;
/** A body is received whole: this is several of them. */
const mostGrowth = 128 * mebibyte;
const timeoutMilliseconds = 60_000;

/** The same bytes each time: numbers, so that a hole or a repetition shows. */
const source = (() => {
  const bytes = Buffer.alloc(total);
  for (let at = 0; at + 4 <= total; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return bytes;
})();
const sha256 = createHash("sha256").update(source).digest("hex");

/** Writes all of it; each request says where it stands, and is sent twice now and then, as after a lost answer. */
async function writeAll(id: string): Promise<void> {
  for (let at = 0; at < total; at += requestBody) {
    const body = Uint8Array.from(source.subarray(at, at + requestBody));
    const last = at + requestBody >= total;
    const query = `?offset=${at}${last ? "&close=true" : ""}`;
    const times = (at / requestBody) % 5 === 2 ? 2 : 1;
    for (let turn = 0; turn < times; turn += 1) {
      const response = await server.request(`/v1/jobs/${id}/stdin${query}`, { method: "PUT", body });
      const answer: unknown = await response.json();
      expect(answer).toEqual({ offset: at + body.length, closed: last });
    }
  }
}

test(
  "what `cat` has read is what it has written, while it is followed",
  async () => {
    const { id } = await background(server, { command: ["cat"], stdin: "open" });
    const response = await server.request(`/v1/jobs/${id}/stdout?follow=true`);
    const hash = createHash("sha256");
    let read = 0;
    const reading = (async () => {
      for await (const chunk of response.body ?? []) {
        hash.update(chunk);
        read += chunk.byteLength;
      }
    })();
    const memory = new MemoryWatch(server);
    const began = performance.now();
    await memory.during(Promise.all([writeAll(id), reading]));
    const seconds = (performance.now() - began) / 1_000;
    console.log(`100 MB through cat in ${seconds.toFixed(1)} s, memory grew by ${memory.text}`);
    expect([read, hash.digest("hex")]).toEqual([total, sha256]);
    expect(memory.grownBytes).toBeLessThan(mostGrowth);
    expect(await ended(server, id)).toMatchObject({ outcome: { code: 0 }, stdout: { bytes: total } });
  },
  timeoutMilliseconds,
);

test(
  "a client that does not read holds back the command, and that the one who writes",
  async () => {
    const spec = JSON.stringify({ command: ["cat"], stdin: "open" });
    const headers = { accept: "application/octet-stream" };
    const reader = new BodyReader(server, { path: "/v1/jobs", headers, body: spec }, null);
    const id = await runningId();
    const memory = new MemoryWatch(server);
    let written = 0;
    const writing = (async () => {
      for (; written < 8 * requestBody; written += requestBody) {
        const body = Uint8Array.from(source.subarray(written, written + requestBody));
        const response = await server.request(`/v1/jobs/${id}/stdin?offset=${written}`, {
          method: "PUT",
          body,
        });
        expect(response.status).toBe(200);
        await response.text();
      }
    })();
    // What the kernel and the server hold is full, long before all of it is written.
    let seen = -1;
    let since = performance.now();
    const stands = () => {
      memory.look();
      if (written !== seen) [seen, since] = [written, performance.now()];
      return performance.now() - since > 1_500;
    };
    await until(stands, { timeoutMilliseconds: 20_000, describe: "the writer to be held back" });
    expect(written).toBeLessThan(8 * requestBody);
    reader.allow(Number.POSITIVE_INFINITY);
    await memory.during(writing);
    const close = await server.request(`/v1/jobs/${id}/stdin?close=true`, { method: "PUT" });
    expect(await close.json()).toEqual({ offset: 8 * requestBody, closed: true });
    await reader.readAll(20_000);
    expect([reader.received, reader.complete]).toEqual([8 * requestBody, true]);
    expect(memory.grownBytes).toBeLessThan(mostGrowth);
  },
  timeoutMilliseconds,
);

/** The newest job, which runs. */
async function runningId(): Promise<string> {
  const newest = async () => {
    const response = await server.request("/v1/jobs?state=running&limit=1");
    return ((await response.json()) as { jobs: { id: string }[] }).jobs[0]?.id;
  };
  return until(newest, { describe: "the job" });
}

test(
  "what clients leave behind that have gone while a command does not read is let go",
  async () => {
    const { id } = await background(server, { command: ["sleep", "60"], stdin: "open" });
    const body = Buffer.alloc(requestBody, "x");
    const bytes = requestBytes(server, { method: "PUT", path: `/v1/jobs/${id}/stdin`, body });
    const before = server.memory().anonymousBytes;
    for (let turn = 0; turn < 40; turn += 1) {
      const connection = await rawConnection(server);
      connection.send(bytes);
      await connection.sent();
      connection.reset();
    }
    const grown = () => server.memory().anonymousBytes - before;
    await until(() => grown() < mostGrowth, { describe: () => `memory that grew by ${grown()} to go` });
    await stop(server, id, 0);
  },
  timeoutMilliseconds,
);

test("what waits for commands to read is bounded, and told to whoever brings more", async () => {
  const small = await startServer({ atRest: true, config: "[limits]\npendingBodyBytes = 1048576\n" });
  const { id } = await background(small, { command: ["sleep", "60"], stdin: "open" });
  const put = (signal: AbortSignal | null = null) =>
    small.request(`/v1/jobs/${id}/stdin`, { method: "PUT", body: Buffer.alloc(600_000, "x"), signal });
  const first = put();
  const refused = async () => {
    // One that is early waits as the first one does, and is given up.
    const answer = await put(AbortSignal.timeout(500)).catch(() => null);
    return (await answer?.text())?.includes("may wait for commands to read (pendingBodyBytes)");
  };
  await until(refused, { describe: "a refusal" });
  await stop(small, id, 0);
  expect((await first).status).toBe(409);
});

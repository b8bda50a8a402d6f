// Contract v1 behind nginx with nothing but `proxy_pass`: events arrive as they happen, and silence cuts nobody off. What
// has to be waited for is waited for at once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Errand } from "../../src/sdk/errand.ts";
import type { JobEvent } from "../../src/sdk/eventTypes.ts";
import { Cli } from "../cli/support/cli.ts";
import { eventsOf, type FrameStream, openFrames } from "../support/event-stream.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { runJob, startJob } from "./support/v1-start.ts";

/** More than nginx waits for a server that says nothing: 60 s, unless it is told another time. */
const silentSeconds = 90;
const timeoutMilliseconds = (silentSeconds + 60) * 1_000;
/** For an event to come through, on a machine that is busy. */
const mostMilliseconds = 2_000;

const formats = ["sse", "ndjson"] as const;
/** It waits for a line before it goes on. */
const waitHere = "echo first; read line; echo $line; exit 4";

let server: Server;
let front: Server;
let errand: Errand;
beforeAll(async () => {
  if (!hasNginx) return;
  server = await startServer();
  const url = await startNginx(server);
  const request: Server["request"] = (path, options) =>
    fetch(url + path, {
      keepalive: false,
      ...options,
      headers: {
        authorization: `Bearer ${server.token}`,
        ...Object.fromEntries(new Headers(options?.headers)),
      },
    });
  front = { ...server, url, request };
  errand = new Errand({ url, token: server.token });
});
afterAll(endEverything);

// Where everything is installed, nothing is left out.
const tests = hasNginx || process.env.CI !== undefined ? describe.concurrent : describe.skip;

const typesOf = (stream: FrameStream) => eventsOf(stream).map(({ type }) => type);
const goOn = (id: string) =>
  server.request(`/v1/jobs/${id}/stdin?close=true`, { method: "PUT", body: "go\n" });

/** Milliseconds until it has come. */
async function taken(coming: Promise<void>): Promise<number> {
  const begin = performance.now();
  await coming;
  return performance.now() - begin;
}

tests("as they happen come", () => {
  test.each(formats)("the events of a job, as %s, and nothing is packed", async (format) => {
    const { id } = await startJob(server, { shell: waitHere, stdin: "open" });
    const headers = { "accept-encoding": "gzip" };
    const stream = await openFrames(front, `/v1/jobs/${id}/events`, { format, headers });
    expect(stream.response.headers.get("content-encoding")).toBeNull();
    const first = stream.until(() => typesOf(stream).includes("stdout"), "the first line");
    expect(await taken(first)).toBeLessThan(mostMilliseconds);
    expect(typesOf(stream)).toEqual(["started", "stdout"]);
    await goOn(id);
    expect(await taken(stream.untilOver())).toBeLessThan(mostMilliseconds);
    expect(stream.ending).toBe("ended");
    expect(eventsOf(stream).at(-1)).toMatchObject({ type: "ended", outcome: { code: 4 } });
  });

  test("the bytes of raw output", async () => {
    const { id } = await startJob(server, { shell: waitHere, stdin: "open" });
    const response = await front.request(`/v1/jobs/${id}/stdout?follow=true`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await within(reader.read(), { timeoutMilliseconds: mostMilliseconds });
    expect(Buffer.from(value ?? []).toString()).toBe("first\n");
    await goOn(id);
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("go\n");
    expect((await reader.read()).done).toBe(true);
  });

  test.each(formats)("the life of all jobs, as %s", async (format) => {
    const stream = await openFrames({ ...front }, "/v1/events", { format });
    const { id } = await runJob(server, { command: ["true"] });
    const told = (text: string) => stream.frames.some((frame) => JSON.stringify(frame.json).includes(text));
    await stream.until(() => told(id) && told('"job.ended"'), "the job's end", mostMilliseconds);
    stream.close();
  });

  test("what is written to a command, in more than nginx takes of one body, and its answer", async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef\n");
    const cli = new Cli(front);
    const { code, stdoutBytes } = await cli.run(["run", "--", "cat"], { stdin: bytes });
    expect([code, Buffer.from(stdoutBytes).equals(bytes)]).toEqual([0, true]);
  });
});

tests("a stop", () => {
  test("cuts raw output: nobody takes it for whole", async () => {
    const { id } = await startJob(server, { shell: waitHere, stdin: "open" });
    const response = await front.request(`/v1/jobs/${id}/stdout?follow=true`);
    const body = response.text().then(
      (text) => `whole: ${text}`,
      () => "cut",
    );
    await until(async () => (await (await server.request(`/v1/jobs/${id}/stdout`)).text()) === "first\n");
    await server.request(`/v1/jobs/${id}/stop`, { method: "POST" });
    expect(await within(body)).toBe("cut");
  });
});

tests(`${silentSeconds} s of silence cut off`, () => {
  const shell = `echo first; sleep ${silentSeconds}; echo last; exit 4`;
  const longTest = (name: string, body: () => Promise<void>) => test(name, body, timeoutMilliseconds);

  for (const format of formats) {
    longTest(`no follower of ${format}, who has heard a heartbeat every 15 s`, async () => {
      const { id } = await startJob(server, { shell });
      const stream = await openFrames(front, `/v1/jobs/${id}/events`, { format });
      await stream.untilOver(timeoutMilliseconds);
      expect(stream.ending).toBe("ended");
      const events = eventsOf(stream);
      const beats = events.filter(({ type }) => type === "heartbeat").length;
      expect<string[]>(events.map(({ type }) => type).filter((type) => type !== "heartbeat")).toEqual([
        ...["started", "stdout", "stdout", "ended"],
      ]);
      expect(events.at(-1)).toMatchObject({ outcome: { reason: "exited", code: 4 } });
      // The last one may fall together with the end of the silence.
      expect(beats).toBeGreaterThanOrEqual(silentSeconds / 15 - 1);
      expect(beats).toBeLessThanOrEqual(silentSeconds / 15);
    });
  }

  longTest("no start that is answered with events", async () => {
    const body = JSON.stringify({ shell });
    const headers = { "content-type": "application/json" };
    const stream = await openFrames(front, "/v1/jobs", { method: "POST", headers, body });
    await stream.untilOver(timeoutMilliseconds);
    expect(eventsOf(stream).at(-1)).toMatchObject({ type: "ended", outcome: { reason: "exited", code: 4 } });
  });

  longTest("no `errand run`", async () => {
    const told = await new Cli(front).run(["run", "--", "sh", "-c", shell], { timeoutMilliseconds });
    expect([told.code, told.stdout, told.stderr]).toEqual([4, "first\nlast\n", ""]);
  });

  longTest("no one who waits, or follows, with the SDK; raw output is cut by nginx and resumed", async () => {
    const job = await errand.start({ shell });
    const events: JobEvent[] = [];
    const follow = async () => {
      for await (const event of job.events()) events.push(event);
    };
    const stdout = new Response(job.stdout()).text();
    const [record, text] = await within(Promise.all([job.wait(), stdout, follow()]), { timeoutMilliseconds });
    expect(record).toMatchObject({ state: "ended", outcome: { code: 4 } });
    expect(text).toBe("first\nlast\n");
    expect(events.map((event) => (event.type === "stdout" ? event.text : "")).join("")).toBe(text);
    expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { code: 4 } });
  });
});

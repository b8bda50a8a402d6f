// Contract v1, `GET /v1/jobs/{id}/events`: framing, order, and what a cursor means.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf, typesOf, type WireEvent } from "../support/event-frames.ts";
import { eventsOf, openFrames, readEvents } from "../support/event-stream.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { endOf, postJob, runJob, startJob } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const streams = ["stdout", "stderr"] as const;
const formats = ["sse", "ndjson"] as const;

/** Both streams in turns, each piece only when the one before has been seen. */
async function inTurns(): Promise<{ id: string; events: WireEvent[] }> {
  const shell = [
    ...["echo one", waitHere, "echo two >&2", waitHere, "printf 'thr\\303\\251e'", waitHere],
    ...["printf '\\377\\376' >&2", waitHere, "echo five", "exit 3"],
  ].join("; ");
  const { id } = await startJob(server, { shell, stdin: "open" });
  const stream = await openFrames(server, `/v1/jobs/${id}/events`);
  for (const [name, count] of [
    ["stdout", 1],
    ["stderr", 1],
    ["stdout", 2],
    ["stderr", 2],
  ] as const) {
    const seen = () => typesOf(eventsOf(stream)).filter((type) => type === name).length === count;
    await stream.until(seen, `${name} ${count}`);
    await goOn(server, id);
  }
  await stream.untilOver();
  return { id, events: eventsOf(stream) };
}

const expectedTypes = ["started", "stdout", "stderr", "stdout", "stderr", "stdout", "ended"];

describe("events as they happen", () => {
  test("come in order: started first, ended last, and each piece when it was written", async () => {
    const { id, events } = await inTurns();
    expect(typesOf(events)).toEqual(expectedTypes);
    expect(textOf(events, "stdout")).toBe("one\nthréefive\n");
    expect([...bytesOf(events, "stderr")]).toEqual([...Buffer.from("two\n"), 0xff, 0xfe]);
    const [started, , , , binary] = events;
    expect(started).toMatchObject({ type: "started", job: { id, state: "running", outcome: null } });
    expect(binary).toEqual({ type: "stderr", cursor: expect.any(String), offset: 4, base64: "//4=" });
    const outcome = { reason: "exited", code: 3, signal: null, success: false, detail: null };
    const job = await endOf(server, id);
    expect<unknown>(events.at(-1)).toEqual({ type: "ended", cursor: expect.any(String), outcome, job });
  });

  test("are the same in both framings, in headers that no proxy holds up", async () => {
    const { id } = await runJob(server, { shell: "echo a; echo b >&2; exit 1" });
    const answers = await Promise.all(
      formats.map(async (format) => {
        const stream = await openFrames(server, `/v1/jobs/${id}/events`, { format });
        await stream.untilOver();
        expect(stream.ending).toBe("ended");
        const { headers } = stream.response;
        expect(headers.get("cache-control")).toBe("no-store, no-transform");
        expect(headers.get("x-accel-buffering")).toBe("no");
        expect(headers.get("content-encoding")).toBeNull();
        return eventsOf(stream);
      }),
    );
    expect(answers[0]).toEqual(answers[1] ?? []);
  });

  test.each([
    [undefined, "text/event-stream; charset=utf-8"],
    ["*/*", "text/event-stream; charset=utf-8"],
    ["application/json, application/x-ndjson;q=0.9", "application/x-ndjson; charset=utf-8"],
  ])("Accept: %p is answered with %s", async (accept, type) => {
    const { id } = await runJob(server, { command: ["true"] });
    const headers = accept === undefined ? {} : { accept };
    const response = await server.request(`/v1/jobs/${id}/events`, { headers });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    expect(await response.text()).toContain('"type":"ended"');
  });

  test("a start that asks for them has them from the begin, and names the job", async () => {
    for (const [accept, format] of [
      ["text/event-stream", "sse"],
      ["application/x-ndjson", "ndjson"],
    ] as const) {
      const body = JSON.stringify({ shell: "echo hello; exit 4" });
      const headers = { accept, "content-type": "application/json" };
      const stream = await openFrames(server, "/v1/jobs", { method: "POST", body, headers, format });
      const id = stream.response.headers.get("errand-job-id") ?? "";
      expect(stream.response.headers.get("location")).toBe(`/v1/jobs/${id}`);
      await stream.untilOver();
      const events = eventsOf(stream);
      expect(typesOf(events)).toEqual(["started", "stdout", "ended"]);
      expect(events[0]).toMatchObject({ job: { id, mode: "attached" } });
      expect(events.at(-1)).toMatchObject({ outcome: { code: 4 } });
      // It can be read again, since a stream may have been cut.
      expect(await readEvents(server, id, { query: "?cursor=0-0" })).toEqual(events.slice(1));
    }
  });

  test("a start that fails is no stream", async () => {
    const headers = { accept: "text/event-stream" };
    const response = await postJob(server, { command: ["/no/such/program"] }, { headers });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      422,
      "application/problem+json",
    ]);
    await response.text();
  });
});

describe("a cursor", () => {
  test("of any event leads on behind it, given as parameter or as Last-Event-ID", async () => {
    const { id, events } = await inTurns();
    const whole = await readEvents(server, id);
    expect(whole.map(({ cursor }) => cursor)).toEqual(events.map(({ cursor }) => cursor));
    for (const [index, { cursor }] of events.entries()) {
      const behind = whole.slice(index + 1);
      const rest = behind.length > 0 ? behind : whole.slice(-1);
      expect(await readEvents(server, id, { query: `?cursor=${cursor}` })).toEqual(rest);
      const headers = { "last-event-id": cursor };
      expect(await readEvents(server, id, { headers, format: "sse" })).toEqual(rest);
    }
  });

  test("as a parameter wins over the header, which an EventSource sends by itself", async () => {
    const { id, events } = await inTurns();
    const [, second, , fourth] = events;
    const headers = { "last-event-id": second?.cursor ?? "" };
    const rest = await readEvents(server, id, { query: `?cursor=${fourth?.cursor}`, headers });
    expect(typesOf(rest)).toEqual(expectedTypes.slice(4));
  });

  test("of a running job leads on, too", async () => {
    const shell = `echo a; ${waitHere}; echo b`;
    const { id } = await startJob(server, { shell, stdin: "open" });
    const first = await openFrames(server, `/v1/jobs/${id}/events`);
    await first.until(() => eventsOf(first).length === 2, "the first output");
    first.close();
    const cursor = eventsOf(first).at(-1)?.cursor;
    const second = await openFrames(server, `/v1/jobs/${id}/events?cursor=${cursor}`);
    await goOn(server, id);
    await second.untilOver();
    expect(typesOf(eventsOf(second))).toEqual(["stdout", "ended"]);
    expect(textOf(eventsOf(second), "stdout", 2)).toBe("b\n");
  });

  test("consists of characters that need no quoting in a URL", async () => {
    for (const { cursor } of (await inTurns()).events) expect(cursor).toMatch(/^[A-Za-z0-9_.~-]+$/);
  });
});

test("each stream is whole and in order, however much comes of both at once", async () => {
  const shell = "seq 1 20000 & seq 1 20000 >&2; wait";
  const { id } = await startJob(server, { shell });
  const events = await readEvents(server, id);
  const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
  for (const stream of streams) expect(textOf(events, stream) === expected).toBe(true);
  const again = await readEvents(server, id);
  for (const stream of streams) expect(textOf(again, stream) === expected).toBe(true);
});

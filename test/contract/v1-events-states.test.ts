// Contract v1, `GET /v1/jobs/{id}/events`: jobs in every state, output that is not kept, and what is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf, typesOf } from "../support/event-frames.ts";
import { eventsOf, openFrames, readEvents } from "../support/event-stream.ts";
import { run } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";
import { endOf, postJob, runJob, startJob, untilWritten } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const kibibyte = 1024;

describe("follow=false", () => {
  test("gives what is there, without an end while the job runs", async () => {
    const shell = `echo a; echo b >&2; ${waitHere}; echo c`;
    const { id } = await startJob(server, { shell, stdin: "open" });
    await untilWritten(server, { id, text: "a\n" });
    const now = () => readEvents(server, id, { query: "?follow=false" });
    await until(async () => typesOf(await now()).length === 3, { describe: "both pieces" });
    const events = await now();
    expect(typesOf(events).sort()).toEqual(["started", "stderr", "stdout"]);
    const { cursor } = events.at(-1) ?? { cursor: "" };
    expect(await readEvents(server, id, { query: `?follow=false&cursor=${cursor}` })).toEqual([]);
    await goOn(server, id);
    await endOf(server, id);
    const rest = await readEvents(server, id, { query: `?follow=false&cursor=${cursor}` });
    expect([typesOf(rest), textOf(rest, "stdout", 2)]).toEqual([["stdout", "ended"], "c\n"]);
  });
});

describe("a job that", () => {
  test("never ran has its end alone, which tells why", async () => {
    const response = await postJob(server, { command: ["/no/such/program"] });
    expect(response.status).toBe(422);
    const [failed] = (
      (await (await server.request("/v1/jobs?state=failed&limit=1")).json()) as {
        jobs: { id: string }[];
      }
    ).jobs;
    const events = await readEvents(server, failed?.id ?? "");
    const job = { state: "failed", failure: expect.stringContaining("/no/such/program") };
    expect<unknown>(events).toEqual([expect.objectContaining({ type: "ended", outcome: null })]);
    expect(events[0]).toMatchObject({ job });
  });

  test("was let go has its start, and nothing that anybody could wait for", async () => {
    const { id } = await startJob(server, { command: ["true"], mode: "detached" });
    const events = await readEvents(server, id);
    expect(typesOf(events)).toEqual(["started", "ended"]);
    expect(events.at(-1)).toMatchObject({ outcome: null, job: { state: "detached" } });
  });

  test("waits for its alias is followed from there on", async () => {
    const alias = "followed-in-line";
    const first = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const second = await startJob(server, { shell: "echo mine", alias, aliasPolicy: "queue" });
    expect(second.state).toBe("queued");
    const stream = await openFrames(server, `/v1/jobs/${second.id}/events`);
    expect(await readEvents(server, second.id, { query: "?follow=false" })).toEqual([]);
    await goOn(server, first.id);
    await stream.untilOver();
    expect(typesOf(eventsOf(stream))).toEqual(["started", "stdout", "ended"]);
  });

  test("was lost with its server ends as lost, behind what it had written", async () => {
    const own = await startServer();
    const { id } = await startJob(own, { shell: "echo before; sleep 60", survive: false });
    await untilWritten(own, { id, text: "before\n" });
    const stream = await openFrames(own, `/v1/jobs/${id}/events`);
    await stream.until(() => eventsOf(stream).length === 2, "the output");
    await own.kill9();
    await stream.untilOver();
    // Cut: that is no end.
    expect(typesOf(eventsOf(stream))).toEqual(["started", "stdout"]);
    const again = await startServer({ dataDir: own.dataDir });
    const events = await readEvents(again, id);
    expect([typesOf(events), textOf(events, "stdout")]).toEqual([["started", "stdout", "ended"], "before\n"]);
    const outcome = { reason: "lost", code: null, signal: null, success: false };
    expect(events.at(-1)).toMatchObject({ outcome, job: { state: "lost" } });
    const query = `?cursor=${eventsOf(stream)[1]?.cursor}`;
    expect(await readEvents(again, id, { query })).toEqual(events.slice(2));
  });
});

describe("output that is not kept is told as a gap", () => {
  test("when there was too much of it", async () => {
    const own = await startServer({ config: `[limits]\nkeptOutputBytes = ${kibibyte}\n` });
    const { id } = await runJob(own, { shell: "head -c 5000 /dev/zero; head -c 7 /dev/zero >&2" });
    const events = await readEvents(own, id);
    for (const [stream, bytes] of [
      ["stdout", 5_000],
      ["stderr", 7],
    ] as const) {
      const from = bytesOf(events, stream).byteLength;
      const gap = { type: "gap", stream, from, to: bytes, cursor: expect.any(String) };
      const found = events.filter((event) => event.type === "gap" && event.stream === stream);
      expect<unknown[]>(found).toEqual(from === bytes ? [] : [gap]);
    }
    expect(bytesOf(events, "stdout").byteLength + bytesOf(events, "stderr").byteLength).toBe(kibibyte);
    expect(typesOf(events)).toContain("gap");
    expect(typesOf(events).at(-1)).toBe("ended");
    for (const [index, { cursor }] of events.entries()) {
      const rest = events.slice(index + 1);
      const query = `?cursor=${cursor}`;
      expect(await readEvents(own, id, { query })).toEqual(rest.length > 0 ? rest : events.slice(-1));
    }
  });

  test("when it was for one client alone", async () => {
    const { job } = await run(server, ["sh", "-c", "echo out; echo err >&2"]);
    const events = await readEvents(server, job.id);
    expect(typesOf(events)).toEqual(["started", "gap", "gap", "ended"]);
    expect(events.slice(1, 3)).toMatchObject([
      { stream: "stdout", from: 0, to: 4 },
      { stream: "stderr", from: 0, to: 4 },
    ]);
  });
});

describe("refused", () => {
  test.each([
    "x",
    "1",
    "1-",
    "-1",
    "1-2-3",
    "0-0;",
    "1e1-0",
    `${"9".repeat(16)}-0`,
    // Places where this job's output never was.
    "1-0",
    "0-1",
    "999999-999999",
    "999999999999999-999999999999999",
  ])("the cursor %p", async (cursor) => {
    const { id } = await runJob(server, { command: ["true"] });
    const path = `/v1/jobs/${id}/events`;
    const query = `?cursor=${encodeURIComponent(cursor)}`;
    expect(await problem(server, path + query)).toMatchObject({ status: 400, code: "invalid-parameter" });
    const headers = { "last-event-id": cursor };
    expect(await problem(server, path, { headers })).toMatchObject({ status: 400 });
  });

  test.each(["follow=1", "follow=", "from=1", "cursor=0-0&cursor=0-0", "heartbeat=1"])(
    "the parameters %s",
    async (query) => {
      const { id } = await runJob(server, { command: ["true"] });
      const found = await problem(server, `/v1/jobs/${id}/events?${query}`);
      expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
    },
  );

  test.each(["1", "x", "9223372036854775807"])("a job that there is not: %s", async (id) => {
    expect(await problem(server, `/v1/jobs/${id}/events`)).toMatchObject({ status: 404, code: "not-found" });
  });

  test("one stream more than there may be, until another one is left", async () => {
    const own = await startServer({ config: "[limits]\nfollowers = 2\n" });
    const { id } = await startJob(own, { shell: "sleep 60" });
    const open = await Promise.all([1, 2].map(() => openFrames(own, `/v1/jobs/${id}/events`)));
    for (const path of [`/v1/jobs/${id}/events`, "/v1/events", `/v1/jobs/${id}/stdout?follow=true`]) {
      expect(await problem(own, path)).toMatchObject({ status: 429, code: "too-many-requests" });
    }
    open[0]?.close();
    const free = async () => (await own.request(`/v1/jobs/${id}/events?follow=false`)).status === 200;
    await until(free, { describe: "a place that was left" });
  });
});

test("HEAD is answered with the headers, and at once", async () => {
  const { id } = await startJob(server, { shell: "sleep 60" });
  for (const path of [`/v1/jobs/${id}/events`, "/v1/events"]) {
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { method: "HEAD", path }));
    const { status, headers } = await connection.untilHead();
    expect([status, headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    // The same connection goes on with the next request.
    const before = connection.length;
    connection.send(requestBytes(server, { method: "GET", path: "/v1/info" }));
    await connection.until(() => connection.length > before, "the next answer");
    connection.close();
  }
});

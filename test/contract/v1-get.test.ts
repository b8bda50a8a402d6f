// Contract v1, `GET /v1/jobs/{id}`: the job with all its fields; `?wait=` answers at its end and never stops it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { idOf, job, newAlias, run, specOf, start } from "../support/jobs.ts";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem, timePattern } from "./support/v1.ts";
import { runJob } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: `[callbacks]\nallowPrivate = ["127.0.0.1"]\n` });
});
afterAll(endEverything);

/** A command that ends when `open` is called. */
async function gated() {
  const gate = join(temporaryDirectory("gate"), "open");
  const mark = newToken();
  const connection = await rawProcess(server, specOf([program("wait-for-file"), mark, gate]));
  return { id: connection.jobId, mark, open: () => writeFileSync(gate, "") };
}

describe("a job", () => {
  test("that has ended has every field of the contract", async () => {
    const alias = newAlias();
    const before = Date.now();
    const response = await start(server, ["sh", "-c", "printf abc; printf oops >&2; exit 3"], {
      alias,
      cwd: "/",
    });
    await response.text();
    const found = await job(server, idOf(response), 10);
    const time = expect.stringMatching(timePattern);
    expect(found as unknown).toEqual({
      id: idOf(response),
      node: hostname(),
      alias,
      command: ["sh", "-c", "printf abc; printf oops >&2; exit 3"],
      cwd: "/",
      mode: "attached",
      survive: false,
      tty: null,
      labels: {},
      owner: "local",
      state: "ended",
      outcome: { reason: "exited", code: 3, signal: null, success: false, detail: null },
      failure: null,
      createdAt: time,
      startedAt: time,
      endedAt: time,
      durationNanoseconds: expect.any(Number),
      pid: expect.any(Number),
      stdout: { bytes: 3, keptFrom: 3, truncated: false },
      stderr: { bytes: 4, keptFrom: 4, truncated: false },
      stderrTail: "oops",
      leftovers: "leave",
      expiresAt: time,
      callback: null,
    });
    const times = found as unknown as Record<"createdAt" | "startedAt" | "endedAt" | "expiresAt", string>;
    const [created, started, ended, expires] = [
      times.createdAt,
      times.startedAt,
      times.endedAt,
      times.expiresAt,
    ].map(Date.parse);
    expect([before, created, started, ended, Date.now()]).toEqual(
      [before, created, started, ended, Date.now()].toSorted((a = 0, b = 0) => a - b),
    );
    expect((expires ?? 0) - (ended ?? 0)).toBe(604_800_000);
  });

  test("of the background says what is kept of its output", async () => {
    const callback = { url: "http://127.0.0.1:9/", events: ["job.started"] };
    const { id } = await runJob(server, {
      ...{ shell: "printf abc; printf oops >&2; exit 3", cwd: "/", leftovers: "stop", retainSeconds: 60 },
      ...{ successExitCodes: [3], env: { TOKEN: "never-told" }, stdin: { text: "never-told" } },
    });
    const found = (await job(server, id)) as unknown as Record<string, string>;
    expect(found as unknown).toMatchObject({
      ...{ alias: null, command: ["/bin/sh", "-c", "printf abc; printf oops >&2; exit 3"], cwd: "/" },
      ...{ mode: "background", survive: true, owner: "local", state: "ended", leftovers: "stop" },
      outcome: { reason: "exited", code: 3, signal: null, success: true, detail: null },
      stdout: { bytes: 3, keptFrom: 0, truncated: false },
      stderr: { bytes: 4, keptFrom: 0, truncated: false },
      ...{ stderrTail: "oops", callback: null },
    });
    expect(Date.parse(found.expiresAt ?? "") - Date.parse(found.endedAt ?? "")).toBe(60_000);
    expect(JSON.stringify(found)).not.toContain("never-told");
    const told = await runJob(server, { command: ["true"], callback });
    expect(told.callback).toMatchObject(callback);
  });

  test("that runs has neither end nor outcome", async () => {
    const { id, open } = await gated();
    expect((await job(server, id)) as unknown).toMatchObject({
      state: "running",
      outcome: null,
      failure: null,
      startedAt: expect.stringMatching(timePattern),
      endedAt: null,
      durationNanoseconds: null,
      pid: expect.any(Number),
      stdout: { bytes: null, keptFrom: null, truncated: false },
      stderrTail: null,
      expiresAt: null,
    });
    open();
  });

  test("that could not be started says why", async () => {
    const alias = newAlias();
    await (await start(server, ["/not/there"], { alias })).text();
    const [found] = (await list(server, `?alias=${alias}`)).jobs;
    expect(found as unknown).toMatchObject({
      state: "failed",
      outcome: null,
      failure: "No such file or directory (os error 2): /not/there",
      startedAt: null,
      endedAt: expect.stringMatching(timePattern),
      pid: null,
      durationNanoseconds: null,
    });
  });

  test("is the same in the list", async () => {
    const { id } = (await run(server, ["true"])).job;
    const found = (await job(server, id)) as unknown;
    expect((await list(server, "?limit=1")).jobs[0] as unknown).toEqual(found);
  });
});

describe("?wait=", () => {
  test("answers at the end", async () => {
    const { id, open } = await gated();
    const waiting = [job(server, id, 60), job(server, id, 299.5), job(server, id, 300)];
    open();
    for (const found of await Promise.all(waiting)) {
      expect(found.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    }
  });

  test("answers when the wait is over, and the job goes on", async () => {
    const { id, mark, open } = await gated();
    const before = performance.now();
    const found = await job(server, id, 0.3);
    // A timer may fire up to a millisecond early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(299);
    expect([found.state, found.outcome]).toEqual(["running", null]);
    expect(withToken(mark)).not.toBeEmpty();
    open();
    expect((await job(server, id, 60)).outcome).toMatchObject({ reason: "exited", code: 0 });
  });

  test("by a client that goes away stops nothing", async () => {
    const { id, mark, open } = await gated();
    const controller = new AbortController();
    const waiting = server.request(`/v1/jobs/${id}?wait=60`, { signal: controller.signal });
    expect((await job(server, id, 0)).state).toBe("running");
    controller.abort();
    await waiting.then(
      () => undefined,
      () => undefined,
    );
    expect((await job(server, id, 0.2)).state).toBe("running");
    expect(withToken(mark)).not.toBeEmpty();
    open();
    expect((await job(server, id, 60)).state).toBe("ended");
  });

  test("answers at once for a job that has ended", async () => {
    const { id } = (await run(server, ["true"])).job;
    const before = performance.now();
    expect((await job(server, id, 300)).state).toBe("ended");
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test.each(["-1", "x", "", "301", "1e2", "NaN", "Infinity", "1s", "0x1", " 1", "1,5", "."])(
    "%p is 400 with what is allowed",
    async (text) => {
      const { id } = (await run(server, ["true"])).job;
      const { status, code, detail } = await problem(
        server,
        `/v1/jobs/${id}?wait=${encodeURIComponent(text)}`,
      );
      expect([status, code]).toEqual([400, "invalid-parameter"]);
      expect(detail).toContain("from 0 to 300");
    },
  );

  test.each([
    ["wat=1", "wait"],
    ["wait=1&wait=1", "twice"],
  ])("%s is 400", async (query, words) => {
    const { code, detail } = await problem(server, `/v1/jobs/1?${query}`);
    expect([code, detail]).toEqual(["invalid-parameter", expect.stringContaining(words)]);
  });
});

describe("no such job is 404:", () => {
  const odd = [
    "1",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999",
    "0",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    "0x1",
    "abc",
    "null",
    "%20",
    "%00",
    "%2e%2e%2fjobs",
    "..%2f..%2fprocess",
    "%27%20OR%201=1",
    "%F0%9F%A6%8A",
    "%ff",
    "a".repeat(4_000),
  ];
  test.each(odd)("%p", async (id) => {
    expect(await problem(server, `/v1/jobs/${id}`)).toMatchObject({ status: 404, code: "not-found" });
    const stop = await problem(server, `/v1/jobs/${id}/stop`, { method: "POST" });
    expect(stop).toMatchObject({ status: 404, code: "not-found" });
  });
});

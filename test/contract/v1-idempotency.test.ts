// Contract v1, `Idempotency-Key`: the same key and the same body give the same job.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { WireJob } from "../../src/protocol/job.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { textOf } from "../support/event-frames.ts";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { newAlias } from "../support/jobs.ts";
import type { RequestOptions } from "../support/request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { endOf, postJob, startJob, startProblem } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
let folder: string;
beforeAll(async () => {
  folder = temporaryDirectory("idempotency");
  server = await startServer();
});
afterAll(endEverything);

let keys = 0;
function newKey(): string {
  keys += 1;
  return `key-${process.pid}-${keys}`;
}

/** A command that leaves a line at each execution. */
function counted(): { spec: { shell: string }; runs: () => number } {
  const file = join(folder, newKey());
  const runs = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0);
  return { spec: { shell: `echo run >> ${file}` }, runs };
}

const under = (key: string, more: RequestOptions = {}): RequestOptions => ({
  ...more,
  headers: { ...Object.fromEntries(new Headers(more.headers)), "idempotency-key": key },
});

interface Answer {
  status: number;
  replayed: string | null;
  location: string | null;
  job: WireJob;
}

async function start(spec: unknown, key: string, options?: RequestOptions, on = server): Promise<Answer> {
  const response = await postJob(on, spec, under(key, options));
  const { status, headers } = response;
  const job = (await response.json()) as WireJob;
  return { status, replayed: headers.get("idempotent-replayed"), location: headers.get("location"), job };
}

describe("the same key and body", () => {
  test("give the same job, which is executed once", async () => {
    const { spec, runs } = counted();
    const key = newKey();
    const first = await start(spec, key);
    expect([first.status, first.replayed]).toEqual([201, null]);
    await endOf(server, first.job.id);
    for (let turn = 0; turn < 3; turn += 1) {
      const again = await start(spec, key);
      expect(again).toMatchObject({ status: 200, replayed: "true", location: `/v1/jobs/${first.job.id}` });
      // As it is now.
      expect(again.job).toMatchObject({ id: first.job.id, state: "ended" });
    }
    expect(runs()).toBe(1);
  });

  test("sent many times at once start one job", async () => {
    const { spec, runs } = counted();
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => start(spec, key)));
    const ids = new Set(answers.map(({ job }) => job.id));
    expect(ids.size).toBe(1);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(19).fill(200), 201]);
    await endOf(server, [...ids][0] ?? "");
    expect(runs()).toBe(1);
  });

  test("give the same job after a restart and after a kill of the server", async () => {
    let own = await startServer();
    const { spec, runs } = counted();
    const key = newKey();
    const { job } = await start(spec, key, {}, own);
    await endOf(own, job.id);
    for (const end of [() => own.stop(), () => own.kill9()]) {
      await end();
      own = await startServer({ dataDir: own.dataDir });
      expect(await start(spec, key, {}, own)).toMatchObject({ status: 200, job: { id: job.id } });
    }
    expect(runs()).toBe(1);
  });

  test("give a job that was killed with its server as lost, and start nothing", async () => {
    const own = await startServer();
    const file = join(folder, newKey());
    const spec = { shell: `echo run >> ${file}; echo there; sleep 60`, survive: false };
    const key = newKey();
    const { job } = await start(spec, key, {}, own);
    await own.kill9();
    const again = await startServer({ dataDir: own.dataDir });
    expect(await start(spec, key, {}, again)).toMatchObject({
      status: 200,
      job: { id: job.id, state: "lost" },
    });
  });

  test("answer in the form that each request asks for", async () => {
    const key = newKey();
    const spec = { shell: `echo one; ${waitHere}; echo two`, stdin: "open" };
    const { job } = await start(spec, key);
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const body = JSON.stringify(spec);
    const stream = await openFrames(server, "/v1/jobs", { method: "POST", headers, body });
    expect(stream.response.headers.get("errand-job-id")).toBe(job.id);
    expect(stream.response.headers.get("idempotent-replayed")).toBe("true");
    await goOn(server, job.id);
    await stream.untilOver();
    expect(textOf(eventsOf(stream), "stdout")).toBe("one\ntwo\n");
    const raw = await postJob(server, spec, under(key, { headers: { accept: "application/octet-stream" } }));
    expect([raw.status, await raw.text()]).toEqual([200, "one\ntwo\n"]);
    const waited = await server.request("/v1/jobs?wait=5", { method: "POST", headers, body });
    expect(await waited.json()).toMatchObject({ id: job.id, captured: { stdout: { text: "one\ntwo\n" } } });
  });

  test("give the job that was joined, also when it has ended and would not be joined again", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const { spec, runs } = counted();
    const key = newKey();
    const joining = { ...spec, alias, aliasPolicy: "join" };
    expect(await start(joining, key)).toMatchObject({ status: 200, job: { id: holder.id } });
    await goOn(server, holder.id);
    await endOf(server, holder.id);
    const again = await start(joining, key);
    expect(again).toMatchObject({ status: 200, replayed: "true", job: { id: holder.id } });
    expect(runs()).toBe(0);
  });

  test("give the queued job, whatever has become of it", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const { spec, runs } = counted();
    const key = newKey();
    const queueing = { ...spec, alias, aliasPolicy: "queue" };
    const first = await start(queueing, key);
    expect(first).toMatchObject({ status: 201, job: { state: "queued" } });
    expect(await start(queueing, key)).toMatchObject({
      status: 200,
      job: { id: first.job.id, state: "queued" },
    });
    await goOn(server, holder.id);
    await endOf(server, first.job.id);
    expect(await start(queueing, key)).toMatchObject({ job: { id: first.job.id, state: "ended" } });
    expect(runs()).toBe(1);
  });
});

describe("a key", () => {
  test("with another body is refused, and with the same meaning in other bytes, too", async () => {
    const { spec, runs } = counted();
    const key = newKey();
    await endOf(server, (await start(spec, key)).job.id);
    for (const other of [{ ...spec, cwd: "/" }, JSON.stringify(spec, null, 1)]) {
      const found = await startProblem(server, other, under(key));
      expect([found.status, found.code]).toEqual([422, "key-reused"]);
    }
    expect(runs()).toBe(1);
  });

  test("with another body is refused while the first start is under way", async () => {
    const key = newKey();
    const alias = newAlias();
    await startJob(server, { shell: "trap : TERM; sleep 1; sleep 1", alias });
    const spec = { command: ["true"], alias, aliasPolicy: "replace", stopGraceSeconds: 1 };
    const first = start(spec, key);
    const found = await startProblem(server, { ...spec, cwd: "/" }, under(key));
    expect([found.status, found.code]).toEqual([422, "key-reused"]);
    expect((await first).status).toBe(201);
  });

  test("belongs to one owner: another one's same key is another key", async () => {
    const { spec, runs } = counted();
    const key = newKey();
    const [one, two] = [await makeToken(server, ["run", "read"]), await makeToken(server, ["run", "read"])];
    const answers = await Promise.all(
      [one, two].map(({ secret }) => start(spec, key, { credential: secret })),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const [first, second] = answers.map(({ job }) => job.id);
    expect(first).not.toBe(second);
    expect((await start(spec, key, { credential: one.secret })).job.id).toBe(first ?? "");
    await Promise.all(answers.map(({ job }) => endOf(server, job.id)));
    expect(runs()).toBe(2);
  });

  test("of a start that failed gives the same failure, though it would succeed by now", async () => {
    const program = join(folder, newKey());
    const key = newKey();
    const spec = { command: [program] };
    const failed = await startProblem(server, spec, under(key));
    expect([failed.status, failed.code]).toEqual([422, "start-failed"]);
    appendFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    const again = await startProblem(server, spec, under(key));
    expect([again.code, again.detail]).toEqual(["start-failed", failed.detail]);
    expect((await start(spec, newKey())).status).toBe(201);
  });

  test("of a start that found no room may be used again", async () => {
    const own = await startServer({ config: "[limits]\nmaxRunningJobs = 1\n" });
    const alias = newAlias();
    const holder = await startJob(own, { shell: waitHere, stdin: "open", alias });
    const key = newKey();
    const spec = { command: ["true"] };
    const taken = { command: ["true"], alias };
    expect(await startProblem(own, spec, under(key))).toMatchObject({ status: 429, code: "too-many-jobs" });
    await goOn(own, holder.id);
    await endOf(own, holder.id);
    const granted = await start(spec, key, {}, own);
    expect(granted.status).toBe(201);
    await endOf(own, granted.job.id);
    expect((await start(taken, newKey(), {}, own)).status).toBe(201);
  });

  test("of a start whose alias was taken may be used again", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const key = newKey();
    const spec = { command: ["true"], alias };
    expect(await startProblem(server, spec, under(key))).toMatchObject({ status: 409 });
    await goOn(server, holder.id);
    await endOf(server, holder.id);
    expect((await start(spec, key)).status).toBe(201);
  });

  test("of an invalid spec is not used up", async () => {
    const key = newKey();
    expect(await startProblem(server, { command: [] }, under(key))).toMatchObject({ status: 422 });
    expect((await start({ command: ["true"] }, key)).status).toBe(201);
  });

  test.each(["", " ", "a b", "é", "x".repeat(256), "tab\there"])("%p is none", async (key) => {
    const found = await startProblem(server, { command: ["true"] }, under(key));
    expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
  });

  test.each(["!", "~", "x".repeat(255), '{"a":1}', "Ünï".replaceAll(/[^ -~]/g, "_")])(
    "%p is one",
    async (key) => {
      const { spec, runs } = counted();
      const { job } = await start(spec, key);
      expect((await start(spec, key)).job.id).toBe(job.id);
      await endOf(server, job.id);
      expect(runs()).toBe(1);
    },
  );
});

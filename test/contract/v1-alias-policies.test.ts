// Contract v1, `aliasPolicy`: what happens to a start while another job has the alias.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { WireJob } from "../../src/protocol/job.ts";
import { textOf as eventText, typesOf } from "../support/event-frames.ts";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { newAlias } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { list } from "./support/v1.ts";
import { endOf, postJob, startJob, startProblem, textOf } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** One that has the alias until `goOn`. */
const hold = (alias: string, on = server, survive = true) =>
  startJob(on, { shell: waitHere, stdin: "open", alias, survive, labels: { role: "holder" } });

async function get(id: string, on = server): Promise<WireJob> {
  return (await (await on.request(`/v1/jobs/${id}`)).json()) as WireJob;
}

async function stop(id: string, on = server): Promise<WireJob> {
  const headers = { "content-type": "application/json" };
  const response = await on.request(`/v1/jobs/${id}/stop`, {
    method: "POST",
    headers,
    body: '{"graceSeconds":0}',
  });
  return (await response.json()) as WireJob;
}

const policies = ["reject", "queue", "join", "replace"] as const;

describe("every policy", () => {
  test.each([...policies])("%s starts at once when nobody has the alias", async (aliasPolicy) => {
    const job = await startJob(server, { shell: "echo x", alias: newAlias(), aliasPolicy });
    expect(["running", "ended"]).toContain(job.state);
    expect((await endOf(server, job.id)).outcome).toMatchObject({ code: 0 });
  });

  test.each([...policies])("%s without an alias can have no effect, and is refused", async (aliasPolicy) => {
    const found = await startProblem(server, { command: ["true"], aliasPolicy });
    expect([found.status, found.code]).toEqual([422, "invalid-spec"]);
  });

  test("reject, which is the default, tells the second one", async () => {
    const alias = newAlias();
    const { id } = await hold(alias);
    for (const more of [{}, { aliasPolicy: "reject" }])
      expect(await startProblem(server, { command: ["true"], alias, ...more })).toMatchObject({
        status: 409,
        code: "already-running",
      });
    await goOn(server, id);
  });
});

describe("queue", () => {
  test("answers at once, and runs one after the other in the order in which they came", async () => {
    const [alias, other] = [newAlias(), newAlias()];
    const holder = await hold(alias);
    const queued: WireJob[] = [];
    for (const word of ["one", "two", "three"]) {
      const spec = { shell: `echo ${word}`, alias, aliasPolicy: "queue", labels: { word } };
      const response = await postJob(server, spec);
      expect(response.status).toBe(201);
      const job = (await response.json()) as WireJob;
      expect(job).toMatchObject({ state: "queued", pid: null, startedAt: null, outcome: null });
      expect(response.headers.get("location")).toBe(`/v1/jobs/${job.id}`);
      queued.push(job);
    }
    // Another alias does not wait.
    expect(
      (await endOf(server, (await startJob(server, { command: ["true"], alias: other })).id)).state,
    ).toBe("ended");
    for (const { id } of queued) expect((await get(id)).state).toBe("queued");
    await goOn(server, holder.id);
    const ended = await Promise.all(queued.map(({ id }) => endOf(server, id)));
    expect(ended.map(({ state }) => state)).toEqual(["ended", "ended", "ended"]);
    const starts = ended.map(({ startedAt }) => startedAt ?? "");
    expect(starts).toEqual(starts.toSorted());
    for (const [index, { startedAt }] of ended.entries())
      expect((startedAt ?? "") >= (ended[index - 1]?.endedAt ?? "")).toBe(true);
    expect(await Promise.all(ended.map(({ id }) => textOf(server, id)))).toEqual([
      "one\n",
      "two\n",
      "three\n",
    ]);
  });

  test("one that is stopped before its turn never runs, and the next one moves up", async () => {
    const alias = newAlias();
    const holder = await hold(alias);
    const [first, second] = [
      await startJob(server, { shell: "echo first", alias, aliasPolicy: "queue" }),
      await startJob(server, { shell: "echo second", alias, aliasPolicy: "queue" }),
    ];
    expect(await stop(first.id)).toMatchObject({ state: "failed", outcome: null, pid: null });
    await goOn(server, holder.id);
    expect((await endOf(server, second.id)).state).toBe("ended");
    expect(await get(first.id)).toMatchObject({
      state: "failed",
      failure: expect.stringContaining("stopped"),
    });
  });

  test("one that cannot be executed fails by itself, and the next one has its turn", async () => {
    const alias = newAlias();
    const holder = await hold(alias);
    const bad = await startJob(server, { command: ["/no/such/program"], alias, aliasPolicy: "queue" });
    const good = await startJob(server, { shell: "echo good", alias, aliasPolicy: "queue" });
    await goOn(server, holder.id);
    expect((await endOf(server, good.id)).state).toBe("ended");
    expect(await get(bad.id)).toMatchObject({ state: "failed", failure: expect.stringContaining("program") });
  });

  test("one whose client leaves is out of the line, unless it may go on without", async () => {
    const alias = newAlias();
    const holder = await hold(alias);
    const headers = { accept: "application/x-ndjson", "content-type": "application/json" };
    const spec = { shell: "echo ran", alias, aliasPolicy: "queue" };
    const open = (more: object) =>
      openFrames(server, "/v1/jobs", { method: "POST", headers, body: JSON.stringify({ ...spec, ...more }) });
    const streams = [await open({}), await open({ onDisconnect: "detach" })];
    const ids = streams.map(({ response }) => response.headers.get("errand-job-id") ?? "");
    for (const stream of streams) stream.close();
    await until(async () => (await get(ids[0] ?? "")).state === "failed", { describe: "the one who left" });
    await goOn(server, holder.id);
    expect((await endOf(server, ids[1] ?? "")).state).toBe("ended");
  });

  test("at most queuedJobs wait, all aliases together", async () => {
    const own = await startServer({ config: "[limits]\nqueuedJobs = 2\n" });
    const [one, two] = [newAlias(), newAlias()];
    const holders = [await hold(one, own), await hold(two, own)];
    const queued = [];
    for (const alias of [one, two])
      queued.push(await startJob(own, { command: ["true"], alias, aliasPolicy: "queue" }));
    const spec = { command: ["true"], alias: one, aliasPolicy: "queue" };
    const found = await startProblem(own, spec);
    expect([found.status, found.code]).toEqual([429, "too-many-jobs"]);
    expect(found.detail).toContain("queuedJobs");
    await stop(queued[0]?.id ?? "", own);
    const again = await startJob(own, spec);
    for (const { id } of holders) await goOn(own, id);
    expect((await endOf(own, again.id)).state).toBe("ended");
  });

  test("at a drain those who wait are refused, and it does not wait for them", async () => {
    const own = await startServer();
    const alias = newAlias();
    const holder = await hold(alias, own, false);
    const queued = await startJob(own, { command: ["true"], alias, aliasPolicy: "queue" });
    const stream = await openFrames(own, `/v1/jobs/${queued.id}/events`);
    const stopped = own.stop();
    await stream.untilOver();
    expect(eventsOf(stream)).toMatchObject([{ type: "ended", outcome: null, job: { state: "failed" } }]);
    await goOn(own, holder.id);
    expect(await stopped).toBe(0);
    const again = await startServer({ dataDir: own.dataDir });
    expect(await get(queued.id, again)).toMatchObject({ state: "failed" });
    expect(await get(holder.id, again)).toMatchObject({ state: "ended", outcome: { reason: "exited" } });
  });

  test("one that was acknowledged is known after a kill, and its alias is free", async () => {
    const own = await startServer();
    const alias = newAlias();
    await hold(alias, own, false);
    const queued = await startJob(own, { command: ["true"], alias, aliasPolicy: "queue" });
    await own.kill9();
    const again = await startServer({ dataDir: own.dataDir });
    expect(await get(queued.id, again)).toMatchObject({ state: "failed", startedAt: null, outcome: null });
    const next = await startJob(again, { command: ["true"], alias });
    expect(["running", "ended"]).toContain(next.state);
  });
});

describe("join", () => {
  test("answers with the one that runs, and starts nothing", async () => {
    const alias = newAlias();
    const holder = await hold(alias);
    const response = await postJob(server, { shell: "echo never", alias, aliasPolicy: "join" });
    expect([response.status, response.headers.get("location")]).toEqual([200, `/v1/jobs/${holder.id}`]);
    expect(await response.json()).toMatchObject({
      id: holder.id,
      state: "running",
      labels: { role: "holder" },
    });
    await goOn(server, holder.id);
    await endOf(server, holder.id);
    const { jobs } = await list(server, `?alias=${alias}`);
    expect(jobs.map(({ id }) => id)).toEqual([holder.id]);
  });

  test("as a stream gives the running one's events from the begin", async () => {
    const alias = newAlias();
    const shell = `echo early; ${waitHere}; echo late`;
    const holder = await startJob(server, { shell, stdin: "open", alias });
    const body = JSON.stringify({ shell: "echo never", alias, aliasPolicy: "join" });
    const headers = { "content-type": "application/json" };
    const stream = await openFrames(server, "/v1/jobs", { method: "POST", body, headers });
    expect(stream.response.headers.get("errand-job-id")).toBe(holder.id);
    await stream.until(() => eventsOf(stream).length >= 2, "what came before");
    await goOn(server, holder.id);
    await stream.untilOver();
    expect([typesOf(eventsOf(stream)).at(0), eventText(eventsOf(stream), "stdout")]).toEqual([
      "started",
      "early\nlate\n",
    ]);
  });

  test("with ?wait= waits for the end of the running one", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { shell: `${waitHere}; echo shared`, stdin: "open", alias });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ shell: "echo never", alias, aliasPolicy: "join" });
    const waiting = server.request("/v1/jobs?wait=20", { method: "POST", headers, body });
    await goOn(server, holder.id);
    const response = await waiting;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: holder.id,
      captured: { stdout: { text: "shared\n" } },
    });
  });
});

describe("replace", () => {
  test("stops the running one and then starts; never two at once", async () => {
    const alias = newAlias();
    const token = newToken();
    const first = await startJob(server, { command: [program("run-for-ever"), token], alias });
    await untilLiving(token, 1);
    const second = await startJob(server, { shell: "echo second", alias, aliasPolicy: "replace" });
    expect(await get(first.id)).toMatchObject({ state: "ended", outcome: { reason: "stopped" } });
    await untilLiving(token, 0);
    const ended = await endOf(server, second.id);
    expect((ended.startedAt ?? "") >= ((await get(first.id)).endedAt ?? "-")).toBe(true);
  });

  test("goes before those who wait, and they have their turn behind it", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { command: ["sleep", "60"], alias });
    const queued = await startJob(server, { shell: "echo queued", alias, aliasPolicy: "queue" });
    const replacing = await startJob(server, {
      shell: `${waitHere}`,
      stdin: "open",
      alias,
      aliasPolicy: "replace",
    });
    expect([(await get(holder.id)).state, (await get(queued.id)).state]).toEqual(["ended", "queued"]);
    await goOn(server, replacing.id);
    expect((await endOf(server, queued.id)).state).toBe("ended");
  });

  test("that cannot be executed says so, when its turn has come", async () => {
    const alias = newAlias();
    await startJob(server, { command: ["sleep", "60"], alias });
    const spec = { command: ["/no/such/program"], alias, aliasPolicy: "replace" };
    expect(await startProblem(server, spec)).toMatchObject({ status: 422, code: "start-failed" });
  });

  const stubborn = (alias: string, token: string) => ({ command: [program("ignore-term"), token], alias });
  const patient = { shell: "echo never", aliasPolicy: "replace", stopGraceSeconds: 60 };

  test("that is stopped itself while it waits is answered, and never runs", async () => {
    const alias = newAlias();
    const token = newToken();
    const holder = await startJob(server, stubborn(alias, token));
    await untilLiving(token, 2);
    const replacing = startProblem(server, { ...patient, alias });
    const waiting = async () =>
      (await list(server, `?alias=${alias}`)).jobs.find(({ id }) => id !== holder.id);
    const { id } = await until(waiting, { describe: "the one that waits" });
    await stop(id);
    expect(await within(replacing)).toMatchObject({ status: 422, code: "start-failed" });
    await stop(holder.id);
  });

  test("that waits at a drain is answered", async () => {
    const own = await startServer({ config: "[limits]\nshutdownDrainSeconds = 0\nstopGraceSeconds = 1\n" });
    const alias = newAlias();
    const token = newToken();
    await startJob(own, stubborn(alias, token));
    await untilLiving(token, 2);
    const replacing = startProblem(own, { ...patient, alias });
    await until(async () => (await list(own, `?alias=${alias}`)).jobs.length === 2, { describe: "both" });
    const stopped = own.stop();
    expect(await within(replacing)).toMatchObject({ status: 503, code: "shutting-down" });
    await stopped;
  });
});

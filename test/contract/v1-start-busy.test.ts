// Contract v1, `POST /v1/jobs`: a server that can take no more says so, and when to ask again.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { openFrames } from "../support/event-stream.ts";
import { stop } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { list, problem } from "./support/v1.ts";
import { postJob, runJob, startJob, startProblem, untilWritten } from "./support/v1-start.ts";

afterAll(endEverything);

/** A start that must be refused for now, whatever its mode; it leaves no file behind. */
async function refusedForNow(server: Server, status: number, code: string): Promise<void> {
  const proof = join(temporaryDirectory("busy"), "ran");
  const before = readdirSync(join(server.dataDir, "jobs"));
  for (const mode of ["background", "detached"]) {
    const spec = { command: ["touch", proof], mode };
    expect(await startProblem(server, spec)).toMatchObject({ status, code });
    const response = await postJob(server, spec);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  }
  expect([existsSync(proof), readdirSync(join(server.dataDir, "jobs"))]).toEqual([false, before]);
}

describe("with as many jobs as may run", () => {
  test("it is 429, until one has ended", async () => {
    const server = await startServer({ env: { ERRAND_LIMITS_MAX_RUNNING_JOBS: "1" } });
    const { id } = await startJob(server, { command: [program("run-for-ever"), newToken()] });
    await refusedForNow(server, 429, "too-many-jobs");
    expect((await stop(server, id, 1)).status).toBe(200);
    expect((await runJob(server, { command: ["true"] })).outcome).toMatchObject({ code: 0 });
    expect((await list(server)).jobs).toHaveLength(2);
  });
});

describe("with as many streams as may be open", () => {
  test("a start that asks for one is 429, and nothing is started; one that does not goes on", async () => {
    const server = await startServer({ env: { ERRAND_LIMITS_FOLLOWERS: "1" } });
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    const stream = await openFrames(server, `/v1/jobs/${id}/events`);
    const proof = join(temporaryDirectory("busy"), "ran");
    const spec = { command: ["touch", proof], limits: { outputBytes: 1_000 } };
    for (const accept of ["text/event-stream", "application/x-ndjson", "application/octet-stream"]) {
      const refused = await startProblem(server, spec, { headers: { accept } });
      expect([refused.status, refused.code]).toEqual([429, "too-many-requests"]);
    }
    expect([existsSync(proof), (await list(server)).jobs.map((job) => job.id)]).toEqual([false, [id]]);
    await runJob(server, spec);
    expect(existsSync(proof)).toBe(true);
    stream.close();
    const free = async () => {
      const response = await postJob(server, spec, { headers: { accept: "application/x-ndjson" } });
      return (await response.text()).includes('"type":"ended"');
    };
    await until(free, { describe: "the place of the stream to be free" });
  });
});

describe("while the server drains", () => {
  test("it is 503; what runs can be asked for, and stopped", async () => {
    const server = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "600" } });
    const token = newToken();
    const shell = `printf written; exec ${program("run-for-ever")} ${token}`;
    const { id } = await startJob(server, { shell, survive: false });
    await untilLiving(token, 1);
    signal(server.pid, "SIGTERM");
    const draining = async () => (await server.request("/readyz", { credential: false })).status === 503;
    await until(draining, { describe: "the server to drain" });
    await refusedForNow(server, 503, "shutting-down");
    await untilWritten(server, { id, text: "written" });
    expect((await problem(server, `/v1/jobs/${id}`, { method: "DELETE" })).code).toBe("still-running");
    // The last job: with it the server ends.
    const stopped = await stop(server, id, 1);
    expect([stopped.status, await stopped.json()]).toEqual([
      ...[200, expect.objectContaining({ id, outcome: expect.objectContaining({ reason: "stopped" }) })],
    ]);
    await server.process.exited;
    expect(server.process.exitCode).toBe(0);
  });
});

// Contract v1, `POST /v1/jobs/{id}/stop`: answers when the tree is gone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { job, newAlias, run, specOf, stop } from "../support/jobs.ts";
import { killByToken, newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { problem } from "./support/v1.ts";
import { startJob } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: "[limits]\nstopGraceSeconds = 1\n" });
});
afterAll(endEverything);

async function running(name: string, processes: number) {
  const mark = newToken();
  const alias = newAlias();
  const connection = await rawProcess(server, specOf([program(name), mark], { alias }));
  await untilLiving(mark, processes);
  return { connection, id: connection.jobId, mark, alias };
}

const send = (id: string, body: string, type = "application/json") =>
  problem(server, `/v1/jobs/${id}/stop`, { method: "POST", body, headers: { "content-type": type } });

describe("a stop", () => {
  test.each([
    ["run-for-ever", 1],
    ["child", 2],
    ["setsid-child", 2],
    ["daemonize-cleared", 2],
    ["ignore-term", 2],
  ])("of %s answers when all of its %d processes are gone", async (name, processes) => {
    const { connection, id, mark, alias } = await running(name, processes);
    const response = await stop(server, id, 0.3);
    expect(withToken(mark)).toEqual([]);
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({
        id,
        alias,
        state: "ended",
        outcome: expect.objectContaining({ reason: "stopped" }),
      }),
    ]);
    // The alias is free, and the stream of the one who started it was cut.
    expect((await run(server, ["echo", "next"], { alias })).text).toBe("next\n");
    expect(await connection.untilAnswered()).toMatchObject({ cut: true, complete: false });
  });

  test("gives the grace time that it names, then kills", async () => {
    const { id } = await running("ignore-term", 2);
    const before = performance.now();
    const stopped = (await (await stop(server, id, 0.4)).json()) as { outcome: unknown };
    // A timer may fire up to a millisecond early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(399);
    expect(stopped.outcome).toMatchObject({
      reason: "stopped",
      code: null,
      signal: "SIGKILL",
      success: false,
    });
  });

  test("gives the configured grace time when it names none, with an empty body, too", async () => {
    for (const body of ["{}", ""]) {
      const { id } = await running("ignore-term", 2);
      const before = performance.now();
      const response = await server.request(`/v1/jobs/${id}/stop`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
      expect(response.status).toBe(200);
      expect(performance.now() - before).toBeGreaterThanOrEqual(999);
    }
  });

  test("does not wait for the whole grace time when the tree ends before", async () => {
    const { id } = await running("child", 2);
    const before = performance.now();
    const stopped = (await (await stop(server, id, 3_600)).json()) as { outcome: unknown };
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(stopped.outcome).toMatchObject({ reason: "stopped", signal: "SIGTERM" });
  });

  test("of 0 seconds kills at once", async () => {
    const { id, mark } = await running("ignore-term", 2);
    const stopped = (await (await stop(server, id, 0)).json()) as { outcome: unknown };
    expect([withToken(mark), stopped.outcome]).toEqual([[], expect.objectContaining({ signal: "SIGKILL" })]);
  });

  test("that is asked again is hastened, and both are answered", async () => {
    const { id, mark } = await running("ignore-term", 2);
    const patient = stop(server, id, 3_600);
    // It has been taken when the job has its reason; what is told meanwhile is a job that runs.
    expect((await job(server, id)).state).toBe("running");
    const hasty = stop(server, id, 0.1);
    for (const response of await Promise.all([patient, hasty])) {
      expect(await response.json()).toMatchObject({ id, outcome: { reason: "stopped" } });
    }
    expect(withToken(mark)).toEqual([]);
  });

  test("tells those who wait for the end", async () => {
    const { id } = await running("child", 2);
    const waiting = job(server, id, 60);
    await stop(server, id, 1);
    expect((await waiting).outcome?.reason).toBe("stopped");
  });

  test("of a job that has ended gives it as it is, each time", async () => {
    const { id } = (await run(server, ["false"])).job;
    const ended = (await job(server, id)) as unknown;
    for (let turn = 0; turn < 3; turn += 1) {
      const response = await stop(server, id);
      expect([response.status, await response.json()]).toEqual([200, ended]);
    }
  });

  test("of a job that was let go is refused, and it runs on", async () => {
    const mark = newToken();
    const spec = { command: [program("run-for-ever"), mark], mode: "detached" };
    const { id } = await startJob(server, spec);
    await untilLiving(mark, 1);
    const refused = await send(id, "{}");
    expect(refused).toMatchObject({ status: 409, code: "not-running" });
    expect(refused.detail).toContain(`job ${id} is detached`);
    expect(withToken(mark)).toHaveLength(1);
    await killByToken(mark);
  });
});

describe("a body that is not valid stops nothing:", () => {
  let job1: Awaited<ReturnType<typeof running>>;
  beforeAll(async () => {
    job1 = await running("child", 2);
  });

  test.each([
    ["{", 400, "invalid-request"],
    ["nothing", 400, "invalid-request"],
    [`{"graceSeconds":5}x`, 400, "invalid-request"],
    ["null", 422, "invalid-spec"],
    ["[]", 422, "invalid-spec"],
    ["5", 422, "invalid-spec"],
    [`{"graceSeconds":"5"}`, 422, "invalid-spec"],
    [`{"graceSeconds":null}`, 422, "invalid-spec"],
    [`{"graceSeconds":-1}`, 422, "invalid-spec"],
    [`{"graceSeconds":3600.1}`, 422, "invalid-spec"],
    [`{"graceSeconds":1e999}`, 422, "invalid-spec"],
    [`{"graceSecond":5}`, 422, "invalid-spec"],
    [`{"graceSeconds":5,"force":true}`, 422, "invalid-spec"],
  ])("%s", async (body, status, code) => {
    const said = await send(job1.id, body);
    expect([said.status, said.code]).toEqual([status, code]);
    if (status === 422) expect(said.detail).toContain("graceSeconds");
  });

  test("an unknown field is named", async () => {
    expect((await send(job1.id, `{"grace":5}`)).detail).toContain(`"grace"`);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", ""])("of the type %p", async (type) => {
    expect(await send(job1.id, "{}", type)).toMatchObject({ status: 400, code: "invalid-request" });
  });

  test("or with a parameter", async () => {
    const path = `/v1/jobs/${job1.id}/stop?graceSeconds=1`;
    expect(await problem(server, path, { method: "POST" })).toMatchObject({
      status: 400,
      code: "invalid-parameter",
    });
  });

  test("and the job runs on", async () => {
    expect((await job(server, job1.id)).state).toBe("running");
    expect(withToken(job1.mark)).toHaveLength(2);
  });
});

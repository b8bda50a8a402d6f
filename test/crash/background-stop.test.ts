// A background job is stopped when somebody says so, at whatever moment, and by nothing that a client does else.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { type BackgroundJob, background, ended, look, ran } from "./support/background.ts";
import { livingOf, millisecondsToEnd, shapes } from "./support/trees.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const times = 5;
const graceSeconds = 0.5;
/** TERM, the grace time, KILL, and a second. */
const stopMilliseconds = graceSeconds * 1_000 + 1_000;

describe("a stop", () => {
  test("right after the start, twenty times", async () => {
    const token = newToken();
    for (let turn = 0; turn < 20; turn += 1) {
      const { id } = await background(server, { command: [program("background-child"), token], alias: "a" });
      const response = await stop(server, id, 5);
      expect(response.status).toBe(200);
      expect(withToken(token)).toEqual([]);
      const job = (await response.json()) as BackgroundJob;
      const outcome = { reason: "stopped", code: null, signal: "SIGTERM", success: false };
      expect(job).toMatchObject({ state: "ended", outcome });
      expect(await look(server, id)).toEqual(job);
    }
  });

  test("during the start, twenty times", async () => {
    const token = newToken();
    const folder = join(server.dataDir, "jobs");
    const jobs = () => new Set(readdirSync(folder));
    let early = 0;
    for (let turn = 0; turn < 20; turn += 1) {
      const before = jobs();
      let answered = false;
      const starting = background(server, { command: [program("run-for-ever"), token] }).finally(() => {
        answered = true;
      });
      // The directory is there before the command: its name is the id that the answer will tell.
      const id = await until(() => [...jobs()].find((name) => !before.has(name)));
      if (!answered) early += 1;
      const [stopped, started] = await Promise.all([stop(server, id, 5), starting]);
      expect([stopped.status, started.id]).toEqual([200, id]);
      expect((await ended(server, id)).outcome).toMatchObject({ reason: "stopped", signal: "SIGTERM" });
      expect(withToken(token)).toEqual([]);
    }
    console.log(`${early} of 20 stops were sent before the start was acknowledged`);
  });

  test("by many at once, with shorter and longer grace times, ends with the shortest", async () => {
    const token = newToken();
    const { id } = await background(server, { command: [program("ignore-term"), token] });
    await untilLiving(token, 2);
    const answers = await Promise.all([3_600, 60, 0.2, 30].map((grace) => stop(server, id, grace)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await ended(server, id)).outcome).toMatchObject({ reason: "stopped", signal: "SIGKILL" });
    expect(withToken(token)).toEqual([]);
  });

  test("of a job that has ended changes nothing", async () => {
    const job = await ran(server, { shell: "exit 8" });
    const response = await stop(server, job.id);
    expect([response.status, await response.json()]).toEqual([200, job]);
  });
});

describe(`R8: ${shapes.length} shapes, ${times} of each at once`, () => {
  test.each(shapes)("%s: 0 left when the stop is answered", async (shape) => {
    const [token, other] = [newToken(), newToken()];
    const bystander = await background(server, { command: [program(shape), other] });
    const command = [program(shape), token];
    const jobs = await Promise.all(Array.from({ length: times }, () => background(server, { command })));
    await untilLiving(token, times * treeShapes[shape], 20_000);
    await untilLiving(other, treeShapes[shape], 20_000);
    const gone = await millisecondsToEnd([{ token }], async () => {
      const stopped = jobs.map(({ id }) => stop(server, id, graceSeconds));
      expect((await Promise.all(stopped)).map(({ status }) => status)).toEqual(jobs.map(() => 200));
      expect(livingOf([{ token }])).toEqual([]);
    });
    console.log(`R8 ${shape}: ${times} background trees gone ${Math.round(gone)} ms after the stop`);
    expect(gone).toBeLessThanOrEqual(stopMilliseconds);
    for (const { id } of jobs) expect((await look(server, id)).outcome).toMatchObject({ reason: "stopped" });
    expect(withToken(other)).toHaveLength(treeShapes[shape]);
    expect((await stop(server, bystander.id, 0)).status).toBe(200);
    expect(withToken(other)).toEqual([]);
  });
});

test("R10: 50 clients that leave in any way stop nothing", async () => {
  const token = newToken();
  const body = JSON.stringify({ command: [program("run-for-ever"), token] });
  const ids: string[] = [];
  for (let turn = 0; turn < 50; turn += 1) {
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { path: "/v1/jobs", body }));
    if (turn % 4 !== 3) {
      const answer = await connection.untilAnswered();
      ids.push((JSON.parse(answer.body.toString()) as BackgroundJob).id);
      [() => connection.close(), () => connection.reset(), () => connection.halfClose()][turn % 3]?.();
    } else {
      // Not even its answer is waited for.
      await connection.sent();
      connection.close();
    }
  }
  const living = (await untilLiving(token, 50)).sort();
  for (const id of ids) expect(await look(server, id)).toMatchObject({ state: "running", outcome: null });
  expect(withToken(token).sort()).toEqual(living);
  const response = await server.request("/v1/jobs?state=running&limit=100");
  const { jobs } = (await response.json()) as { jobs: BackgroundJob[] };
  expect(jobs).toHaveLength(50);
  await Promise.all(jobs.map(({ id }) => stop(server, id, 0)));
  await untilGone(token);
});

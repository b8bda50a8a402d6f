// Contract v1, `GET /v1/info`: version, node and limits of the server.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { hostname } from "node:os";
import { limitTable } from "../../src/core/limits.ts";
import { infoSchema } from "../../src/protocol/job.ts";
import { errand } from "../support/command.ts";
import { newAlias } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { problem, timePattern } from "./support/v1.ts";
import { endOf, startJob } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
let before: number;
beforeAll(async () => {
  before = Date.now();
  server = await startServer({ config: "[limits]\nheartbeatSeconds = 7\nqueuedJobs = 3\n" });
});
afterAll(endEverything);

async function info() {
  const response = await server.request("/v1/info");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  return infoSchema.strict().parse(await response.json());
}

test("says which server this is, since when, and what it allows", async () => {
  const { version, releaseDate, node, startedAt, limits } = await info();
  const said = await errand(["--version"]);
  expect(said.stdout).toContain(version);
  expect(releaseDate).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(node).toBe(hostname());
  expect(startedAt).toMatch(timePattern);
  expect(Date.parse(startedAt)).toBeWithin(before, Date.now() + 1);
  const expected = Object.entries(limitTable).map(([name, { default: value }]) => [name, value]);
  expect(limits).toEqual({ ...Object.fromEntries(expected), heartbeatSeconds: 7, queuedJobs: 3 });
});

test("counts the jobs that have not ended", async () => {
  expect((await info()).runningJobs).toBe(0);
  const alias = newAlias();
  const { id } = await startJob(server, { shell: waitHere, stdin: "open", alias });
  const queued = await startJob(server, { command: ["true"], alias, aliasPolicy: "queue" });
  expect((await info()).runningJobs).toBe(2);
  await goOn(server, id);
  await endOf(server, queued.id);
  expect((await info()).runningJobs).toBe(0);
});

test("is for those who may read", async () => {
  const { secret } = await makeToken(server, ["run"]);
  expect(await problem(server, "/v1/info", { credential: secret })).toMatchObject({
    status: 403,
    code: "forbidden",
  });
  expect(await problem(server, "/v1/info", { credential: false })).toMatchObject({ status: 401 });
});

test("takes no parameters and no other method", async () => {
  expect(await problem(server, "/v1/info?all=1")).toMatchObject({ status: 400, code: "invalid-parameter" });
  expect(await problem(server, "/v1/info", { method: "POST" })).toMatchObject({ status: 405, allow: "GET" });
});

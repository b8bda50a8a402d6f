// Contract v1: what is to come is refused as `not-available`, never accepted and ignored: 501 for a call, 422 for a field.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { runJob, startProblem } from "./support/v1-start.ts";

let server: Server;
let id = "";
beforeAll(async () => {
  server = await startServer();
  ({ id } = await runJob(server, { shell: "printf output" }));
});
afterAll(endEverything);
afterEach(async () => {
  expect((await list(server)).jobs.map((job) => job.id)).toEqual([id]);
});

const command = ["true"];

describe("a field, with any value:", () => {
  const fields: readonly [string, readonly unknown[]][] = [
    ["user", ["nobody", 5, null]],
    ["target", [{ node: "a" }, { labels: {}, count: "all" }, "a"]],
  ];
  for (const [field, values] of fields) {
    test.each(values.map((value) => [value]))(`${field} = %j`, async (value) => {
      const refused = await startProblem(server, { command, [field]: value });
      expect(refused).toMatchObject({ status: 422, code: "not-available", field });
      expect(refused.detail).toContain(field);
    });
  }

  test.each(["memoryBytes", "cpuSeconds", "processes", "openFiles"])("limits.%s", async (name) => {
    for (const limits of [{ [name]: 5 }, { outputBytes: 5, [name]: null }]) {
      const refused = await startProblem(server, { command, limits });
      expect(refused).toMatchObject({ status: 422, code: "not-available", field: `limits.${name}` });
      expect(refused.detail).toContain(`limits.${name}`);
    }
  });

  test("is told before what else is wrong", async () => {
    const refused = await startProblem(server, { command, user: "a", nope: 5, runTimeoutSeconds: -1 });
    expect(refused).toMatchObject({ status: 422, code: "not-available", field: "user" });
  });
});

test("an idempotent start of a detached job is 501", async () => {
  const headers = { "Idempotency-Key": "some-key" };
  const refused = await startProblem(server, { command, mode: "detached" }, { headers });
  expect(refused).toMatchObject({
    status: 501,
    code: "not-available",
    detail: expect.stringContaining("Idempotency-Key"),
  });
});

describe("a call:", () => {
  const calls = [
    ["GET", "/v1/commands"],
    ["POST", "/v1/commands/some"],
    ["GET", "/v1/nodes"],
    ["GET", "/v1/files/a"],
    ["GET", "/v1/files/a/b.txt"],
    ["PUT", "/v1/files/a"],
  ] as const;

  test.each(calls)("%s %s", async (method, path) => {
    const there = path.replace("ID", id);
    for (const query of ["", "?a=b"]) {
      const refused = await problem(server, there + query, { method });
      expect([refused.status, refused.code, refused.detail]).toEqual([
        ...[501, "not-available", expect.stringContaining(`${method} ${there}`)],
      ]);
    }
  });

  test.each(calls.filter(([method]) => method === "GET"))("HEAD is %s: %s", async (_method, path) => {
    const response = await server.request(path.replace("ID", id), { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([501, ""]);
  });

  test("does nothing: the server takes jobs, and the job is as it was", async () => {
    const response = await server.request(`/v1/jobs/${id}/stdout`);
    expect([response.status, await response.text()]).toEqual([200, "output"]);
    expect((await server.request("/readyz", { credential: false })).status).toBe(200);
  });

  test("needs a credential to be told so", async () => {
    for (const [method, path] of calls) {
      const refused = await problem(server, path.replace("ID", id), { method, credential: false });
      expect([refused.status, refused.code]).toEqual([401, "unauthorized"]);
    }
  });
});

// Contract v1: what is to come is refused as `not-available`, never accepted and ignored: 501 for a call, 422 for a field.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { postJob, runJob, startProblem } from "./support/v1-start.ts";

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
    ["tty", [{ cols: 80, rows: 24 }, false, null]],
    ["labels", [{ a: "b" }, {}, []]],
    ["target", [{ node: "a" }, { labels: {}, count: "all" }, "a"]],
    ["onDisconnect", ["kill", "detach", { killAfterSeconds: 5 }]],
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
    const refused = await startProblem(server, { command, labels: {}, nope: 5, runTimeoutSeconds: -1 });
    expect(refused).toMatchObject({ status: 422, code: "not-available", field: "labels" });
  });
});

describe("a value of a field that there is:", () => {
  test.each([
    ["mode", "attached"],
    ["aliasPolicy", "queue"],
    ["aliasPolicy", "join"],
    ["aliasPolicy", "replace"],
    ["survive", true],
    ["stdin", "open"],
  ])("%s = %j", async (field, value) => {
    const refused = await startProblem(server, { command, alias: "a", [field]: value });
    expect(refused).toMatchObject({ status: 422, code: "not-available", field });
    expect(refused.detail).toContain(JSON.stringify(value));
  });
});

describe("a way to start:", () => {
  test.each([
    ["Accept", "text/event-stream"],
    ["Accept", "application/x-ndjson"],
    ["Accept", "application/octet-stream"],
    ["Accept", "Text/Event-Stream; q=1"],
    ["Accept", "application/json, text/event-stream"],
    ["Idempotency-Key", "some-key"],
    ["Idempotency-Key", ""],
  ])("%s: %s", async (name, value) => {
    const refused = await startProblem(server, { command }, { headers: { [name]: value } });
    expect(refused).toMatchObject({
      status: 501,
      code: "not-available",
      detail: expect.stringContaining(name),
    });
  });

  test.each(["wait=5", "wait=0", "wait", "wait=x", "wait=5&wait=6"])("?%s", async (query) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ command });
    const refused = await problem(server, `/v1/jobs?${query}`, { method: "POST", headers, body });
    expect(refused).toMatchObject({
      status: 501,
      code: "not-available",
      detail: expect.stringContaining("wait"),
    });
  });

  test("any other Accept is not one", async () => {
    for (const accept of ["*/*", "application/json", "text/html"]) {
      const refused = await postJob(server, { command: ["/no/such/program"] }, { headers: { accept } });
      expect(((await refused.json()) as { code: string }).code).toBe("start-failed");
    }
    // These have left records.
    for (const { id: failed } of (await list(server, "?state=failed")).jobs) {
      expect((await server.request(`/v1/jobs/${failed}`, { method: "DELETE" })).status).toBe(204);
    }
  });
});

describe("a parameter:", () => {
  test.each(["tail=5", "tail=", "follow=true", "follow=false", "tail=1&follow=true"])(
    "?%s of an output",
    async (query) => {
      for (const stream of ["stdout", "stderr"]) {
        const refused = await problem(server, `/v1/jobs/${id}/${stream}?${query}`);
        expect(refused).toMatchObject({ status: 501, code: "not-available" });
        expect(refused.detail).toContain(query.split("=", 1)[0] ?? "");
      }
    },
  );

  test("?label= of the list", async () => {
    expect(await problem(server, "/v1/jobs?label=a")).toMatchObject({ status: 501, code: "not-available" });
  });
});

describe("a call:", () => {
  const calls = [
    ["GET", "/v1/jobs/ID/events"],
    ["PUT", "/v1/jobs/ID/stdin"],
    ["POST", "/v1/jobs/ID/signal"],
    ["POST", "/v1/jobs/ID/resize"],
    ["GET", "/v1/jobs/ID/attach"],
    ["GET", "/v1/commands"],
    ["POST", "/v1/commands/some"],
    ["GET", "/v1/nodes"],
    ["GET", "/v1/info"],
    ["GET", "/v1/events"],
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

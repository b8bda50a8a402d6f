// Contract v1: every error is a problem of RFC 9457 with a stable code; what is not there says so.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { runJob } from "./support/v1-start.ts";

let server: Server;
let id = "";
beforeAll(async () => {
  server = await startServer();
  ({ id } = await runJob(server, { shell: "printf output" }));
});
afterAll(endEverything);

describe("a path that is not there is 404:", () => {
  test.each([
    "/v1",
    "/v1/",
    "/v1/nope",
    "/v1/job",
    "/v1/jobs/",
    "/v1/jobs/ID/",
    "/v1/jobs/ID/nope",
    "/v1/jobs/ID/stop/",
    "/v1//jobs",
    "/v1/Jobs",
    "/v1/constructor",
    "/v1/__proto__",
    "/v1/openapi.json",
  ])("%s", async (path) => {
    const there = path.replace("ID", id);
    for (const method of ["GET", "POST", "DELETE"]) {
      expect(await problem(server, there, { method })).toMatchObject({ status: 404, code: "not-found" });
    }
  });
});

describe("a method that a path does not know is 405 and says which it knows:", () => {
  const paths: readonly [string, readonly string[]][] = [
    ["/v1/jobs", ["GET", "POST"]],
    ["/v1/jobs/ID", ["DELETE", "GET"]],
    ["/v1/jobs/ID/stdout", ["GET"]],
    ["/v1/jobs/ID/stderr", ["GET"]],
    ["/v1/jobs/ID/stop", ["POST"]],
    ["/v1/jobs/ID/callback/resend", ["POST"]],
    ["/openapi.json", ["GET"]],
  ];
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"];
  const refused = paths.flatMap(([path, allowed]) =>
    methods.filter((method) => !allowed.includes(method)).map((method) => [method, path, allowed] as const),
  );

  test.each(refused)("%s %s", async (method, path, allowed) => {
    const said = await problem(server, path.replace("ID", id), { method });
    expect(said).toMatchObject({ status: 405, code: "method-not-allowed" });
    for (const one of allowed) expect(said.detail).toContain(one);
    // RFC 9110, 15.5.6: the answer must carry all of them. HEAD goes with GET, named or not.
    const named = said.allow?.split(/, */).filter((one) => one !== "HEAD");
    expect(named?.toSorted()).toEqual([...allowed]);
  });

  test("and touches nothing", async () => {
    expect((await list(server)).jobs.map((job) => job.id)).toEqual([id]);
  });
});

describe("the guard's refusals are problems, too:", () => {
  test.each([
    ["no credential", { authorization: "" }, 401, "unauthorized"],
    ["a foreign Host", { host: "evil.example" }, 403, "forbidden"],
    ["a foreign Origin", { origin: "https://evil.example" }, 403, "forbidden"],
  ])("%s", async (_name, headers, status, code) => {
    const paths = ["/v1/jobs", "/v1/jobs/1", "/openapi.json", "/v1/nope"];
    for (const path of paths) {
      const { authorization, ...others } = { authorization: `Bearer ${server.token}`, ...headers };
      const sent = { ...others, ...(authorization === "" ? {} : { authorization }) };
      expect(await problem(server, path, { headers: sent, credential: false })).toMatchObject({
        status,
        code,
      });
    }
  });
});

describe("HEAD is GET without a body:", () => {
  const paths = ["/v1/jobs", "/v1/jobs/ID", "/v1/jobs/ID/stdout", "/openapi.json", "/v1/nope", "/v1/jobs/1"];

  test.each([...paths, "/v1/jobs?limit=0", "/v1/jobs/ID?wait=x"])("%s", async (path) => {
    const there = path.replace("ID", id);
    const whole = await server.request(there);
    const response = await server.request(there, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([whole.status, ""]);
    expect(response.headers.get("content-type")).toBe(whole.headers.get("content-type"));
    // RFC 9110, 8.6: the length that the answer to GET has, or none.
    const length = String((await whole.bytes()).byteLength);
    expect(response.headers.get("content-length")).toBeOneOf([length, null]);
  });
});

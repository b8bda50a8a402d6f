// Contract v1: every error is a problem of RFC 9457 with a stable code; what is not there says so.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { problem } from "./support/v1.ts";

let server: Server;
let id = "";
beforeAll(async () => {
  server = await startServer();
  id = (await run(server, ["true"])).job.id;
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
  test.each([
    ["PUT", "/v1/jobs", "GET"],
    ["PATCH", "/v1/jobs", "GET"],
    ["DELETE", "/v1/jobs", "GET"],
    ["OPTIONS", "/v1/jobs", "GET"],
    ["PUT", "/v1/jobs/ID", "GET"],
    ["POST", "/v1/jobs/ID", "GET"],
    ["PATCH", "/v1/jobs/ID", "GET"],
    ["GET", "/v1/jobs/ID/stop", "POST"],
    ["PUT", "/v1/jobs/ID/stop", "POST"],
    ["DELETE", "/v1/jobs/ID/stop", "POST"],
    ["POST", "/openapi.json", "GET"],
  ])("%s %s", async (method, path, allowed) => {
    const said = await problem(server, path.replace("ID", id), { method });
    expect(said).toMatchObject({ status: 405, code: "method-not-allowed" });
    expect(said.detail).toContain(allowed);
    // RFC 9110, 15.5.6: the answer must carry it.
    expect(said.allow?.split(/, */)).toContain(allowed);
  });
});

describe("what the contract has and this build has not is 501 not-available:", () => {
  test.each([
    ["POST", "/v1/jobs"],
    ["DELETE", "/v1/jobs/ID"],
    ["GET", "/v1/jobs/ID/events"],
    ["GET", "/v1/jobs/ID/stdout"],
    ["GET", "/v1/jobs/ID/stderr"],
    ["PUT", "/v1/jobs/ID/stdin"],
    ["POST", "/v1/jobs/ID/signal"],
    ["POST", "/v1/jobs/ID/resize"],
    ["GET", "/v1/jobs/ID/attach"],
    ["GET", "/v1/commands"],
    ["GET", "/v1/nodes"],
    ["GET", "/v1/info"],
    ["GET", "/v1/events"],
    ["GET", "/v1/files/a"],
    ["GET", "/v1/tokens"],
    ["POST", "/v1/shutdown"],
  ])("%s %s", async (method, path) => {
    const response = await server.request(path.replace("ID", id), { method });
    const { code } = (await response.json()) as { code: string };
    expect([response.status, code]).toEqual([501, "not-available"]);
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

test("HEAD is GET without a body", async () => {
  for (const path of ["/v1/jobs", `/v1/jobs/${id}`, "/openapi.json"]) {
    const response = await server.request(path, { method: "HEAD" });
    expect([path, response.status, await response.text()]).toEqual([path, 200, ""]);
    expect(response.headers.get("content-type")).toContain("application/json");
  }
});

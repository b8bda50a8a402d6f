// Who lacks a scope gets round it neither by what another has started, nor by other ways to say the same.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Job, job, newAlias, specOf, stop } from "../support/jobs.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { listTokens, makeToken, revokeToken } from "../support/tokens.ts";
import { bytesOf, hostLine, sendBytes } from "./support/bytes.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

describe("a job that runs goes on whatever one asks who may only read:", () => {
  test.each([
    ["POST", "stop", "{}"],
    ["POST", "signal", '{"signal":"SIGKILL"}'],
    ["PUT", "stdin?close=true", ""],
    ["POST", "callback/resend", ""],
    ["DELETE", "", ""],
  ])("%s %s", async (method, what, body) => {
    const { secret: credential } = await makeToken(server, ["read"]);
    const mark = newToken();
    const victim = await rawProcess(server, specOf(["sleep", "100", mark]));
    await untilLiving(mark, 1);
    const path = `/v1/jobs/${victim.jobId}${what === "" ? "" : `/${what}`}`;
    const headers = { "content-type": "application/json" };
    const response = await server.request(path, { method, headers, body, credential });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, "forbidden"]);
    expect((await job(server, victim.jobId)).state).toBe("running");
    expect(withToken(mark)).toHaveLength(1);
    victim.close();
  });
});

describe("what another has started is not told to one who may only start,", () => {
  const start = async (credential: string, spec: unknown, more: Readonly<Record<string, string>> = {}) => {
    const headers = { "content-type": "application/json", ...more };
    const body = JSON.stringify(spec);
    const response = await server.request("/v1/jobs", { method: "POST", headers, body, credential });
    return { status: response.status, text: await response.text() };
  };

  test("by joining it under its alias", async () => {
    const { secret } = await makeToken(server, ["run"]);
    const alias = newAlias("join");
    const spec = { shell: "echo canary; exec sleep 100", alias, aliasPolicy: "join" };
    const first = await start(server.token, spec);
    expect(first.status).toBe(201);
    for (const accept of ["application/json", "text/event-stream", "application/octet-stream"]) {
      const { status, text } = await start(secret, spec, { accept });
      expect([status, /[a-z]+\.[a-z]+ needs the scope read/.exec(text)?.[0]]).toEqual([
        403,
        "jobs.events needs the scope read",
      ]);
      expect(text).not.toContain("canary");
    }
    const { id } = JSON.parse(first.text) as Job;
    expect((await stop(server, id, 0)).status).toBe(200);
  });

  test("by its idempotency key", async () => {
    const { secret, name } = await makeToken(server, ["run"]);
    const key = { "idempotency-key": newAlias("key") };
    const spec = { command: ["true"] };
    const own = await start(server.token, spec, key);
    const other = await start(secret, spec, key);
    const jobs = [own, other].map(({ text }) => JSON.parse(text) as Job & { owner: string });
    expect([own.status, other.status, jobs.map(({ owner }) => owner)]).toEqual([201, 201, ["local", name]]);
    expect(jobs[0]?.id).not.toBe(jobs[1]?.id ?? "");
  });
});

/** Other ways to say the same: a later layer must not take one for a call that the table was not asked about. */
const disguises: readonly (readonly [method: string, target: string, name?: string, value?: string])[] = [
  ["GET", "/v1/tokens/"],
  ["GET", "//v1/tokens"],
  ["GET", "/v1//tokens"],
  ["GET", "/V1/tokens"],
  ["GET", "/v1/Tokens"],
  ["GET", "/v1/%74okens"],
  ["GET", "/v1%2ftokens"],
  ["GET", "/%2e/v1/tokens"],
  ["GET", "/v1/./tokens"],
  ["GET", "/v1/jobs/../tokens"],
  ["GET", "/v1/jobs/%2e%2e/tokens"],
  ["GET", "/v1\\tokens"],
  ["GET", "/v1/tokens;x"],
  ["GET", "/v1/tokens#x"],
  ["GET", "/v1/tokens%00"],
  ["GET", "/v1/tokens%0a"],
  ["GET", "/v1/tokens%20"],
  ["GET", "/v1/tokens?"],
  ["GET", "/v1/tokens?x"],
  ["GET", "?/v1/tokens"],
  ["GET", "v1/tokens"],
  ["GET", "http://localhost/v1/tokens"],
  ["HEAD", "/v1/tokens"],
  ["get", "/v1/tokens"],
  ["Get", "/v1/tokens"],
  ["post", "/v1/tokens"],
  ["POST", "/v1/tokens/"],
  ["POST", "/v1/%74okens"],
  ["POST", "/v1/jobs/../tokens"],
  ["GET", "/v1/jobs", "X-HTTP-Method-Override", "POST"],
  ["GET", "/v1/jobs?_method=POST"],
  ["POST", "/v1/nope", "X-Original-URL", "/v1/tokens"],
  ["GET", "/v1/jobs", "X-Rewrite-URL", "/v1/tokens"],
];

describe("a token of others stays hidden, and none is made, for one who may read, by", () => {
  test.each(
    disguises.map(([method, target, name = "", value = ""]) => [method, target, name, value] as const),
  )("%s %s %s", async (method, target, name, value) => {
    const before = await listTokens(server);
    const { secret, id } = await makeToken(server, ["read"]);
    const body = method.toUpperCase() === "POST" ? '{"name":"disguised","scopes":["admin"]}' : "";
    const lines = [
      hostLine(server),
      ["Authorization", `Bearer ${secret}`],
      ["Content-Type", "application/json"],
      ["Content-Length", String(body.length)],
      ...(name === "" ? [] : [[name, value] as const]),
    ] as const;
    const answer = await sendBytes(server, bytesOf({ method, target, headers: lines, body }));
    const text = answer.body.toString();
    expect(text).not.toContain('"source"');
    expect(text).not.toContain('"secret"');
    if (/tokens$/.test(target) || method !== "GET") expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await revokeToken(server, id)).toBe(204);
    expect(await listTokens(server)).toEqual(before);
  });
});

// Contract sidecar, "Answers": each status of an error, always in the envelope.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stop } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { killByToken, newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { rawConnection } from "../support/raw.ts";
import { exchange, requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server } from "../support/server.ts";
import { type Envelope, postShell, postText, refusal, shell, startSidecar } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startSidecar();
});
afterAll(endEverything);

describe("401", () => {
  test.each([
    ["no credential", {}],
    ["another token", { authorization: "Bearer x" }],
    ["the secret key as a token", { authorization: "Bearer only-for-tests-4f6c1d" }],
    ["an empty signature", { "X-Auth-Signature": "" }],
  ])("for %s", async (_what, headers) => {
    const response = await postShell(server, { command: "true" }, { credential: false, headers });
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect((await refusal(response)).status).toBe(401);
  });
});

describe("403", () => {
  test.each([
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["plain text", { "content-type": "text/plain" }],
    ["another page", { origin: "https://evil.example" }],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["another host", { host: "evil.example" }],
  ])("for %s", async (_what, headers) => {
    expect((await refusal(await postShell(server, { command: "true" }, { headers }))).status).toBe(403);
  });

  test.each(["http://169.254.169.254/", "http://10.0.0.1/a", "http://[::1]:8099/", "http://user@127.0.0.1/"])(
    "for a callback to %s, before anything runs",
    async (callbackURL) => {
      const token = newToken();
      const command = `sleep ${token} 100`;
      const error = await refusal(await postShell(server, { command, wait: false, callbackURL }));
      expect(error.status).toBe(403);
      expect(error.message).toStartWith("the callback's URL");
      expect(withToken(token)).toEqual([]);
    },
  );
});

describe("405", () => {
  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])("for %s, naming POST", async (method) => {
    const response = await server.request("/shell?command=true", { method });
    expect(response.headers.get("allow")).toBe("POST");
    expect(await refusal(response)).toEqual({
      status: 405,
      message: `${method} is not allowed here, POST is`,
    });
  });

  test("for HEAD, without a body", async () => {
    const response = await server.request("/shell", { method: "HEAD" });
    expect([response.status, response.headers.get("allow"), await response.text()]).toEqual([
      405,
      "POST",
      "",
    ]);
  });
});

describe("413", () => {
  const most = 8 * 1024 * 1024;
  const bodyOf = (bytes: number) => {
    const [start, end] = ['{"command":"echo ok","padding":"', '"}'];
    return start + " ".repeat(bytes - start.length - end.length) + end;
  };

  test("8 MiB are taken, one byte more is not", async () => {
    const { data } = (await (await postText(server, bodyOf(most))).json()) as Envelope;
    expect(data?.stdout).toBe("ok\n");
    const error = await refusal(await postText(server, bodyOf(most + 1)));
    expect(error).toEqual({ status: 413, message: expect.stringContaining(`at most ${most} bytes`) });
  });

  test("a length that is too large is refused before the body is sent", async () => {
    const headers = { "content-length": String(most + 1) };
    const answer = await exchange(server, { path: "/shell", headers });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([
      413,
      { data: null, ok: false },
    ]);
  });
});

test("429 when as many jobs run as are allowed; one that ends makes room", async () => {
  const small = await startSidecar("[limits]\nmaxRunningJobs = 1\n");
  const token = newToken();
  const { jobId } = await shell(small, `exec sleep ${token} 100`, { wait: false });
  const response = await postShell(small, { command: "true" });
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refusal(response)).toMatchObject({
    status: 429,
    message: expect.stringContaining("maxRunningJobs"),
  });
  await stop(small, jobId, 0);
  await untilGone(token);
  expect(await shell(small, "echo room")).toMatchObject({ stdout: "room\n" });
});

test("503 while the server shuts down; what runs is told", async () => {
  const ending = await startSidecar();
  const token = newToken();
  const running = shell(ending, `sleep ${token} 1; echo whole`);
  await untilLiving(token, 1);
  const late = await rawConnection(ending);
  signal(ending.pid, "SIGTERM");
  await until(() => ending.logLines().some(({ msg }) => String(msg).startsWith("shutting down")));
  late.send(requestBytes(ending, { path: "/shell", body: '{"command":"true"}' }));
  const answer = await late.untilAnswered();
  expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([503, { data: null, ok: false }]);
  expect(await running).toMatchObject({ stdout: "whole\n", exitCode: 0 });
});

test("503 when the data directory is full", async () => {
  const full = await startSidecar("[limits]\ndataBytes = 16777216\n");
  const token = newToken();
  // A running job's output is never removed to make room. What is left after the first one is room for a few small ones.
  await shell(full, `head -c 20000000 /dev/zero; exec sleep ${token} 100`, { wait: false });
  await untilLiving(token, 1);
  const command = `exec sleep ${token} 100`;
  let response = await postShell(full, { command, wait: false });
  for (let started = 1; response.status === 200 && started < 50; started += 1) {
    response = await postShell(full, { command, wait: false });
  }
  const error = await refusal(response);
  expect(error).toMatchObject({ status: 503, message: expect.stringContaining("dataBytes") });
  await killByToken(token);
});

test("other paths are other doors", async () => {
  for (const path of ["/shell/", "/Shell", "/shell/x", "//shell", "/%73hell", "/shell%3f"]) {
    expect([path, (await exchange(server, { path, body: "{}" })).status]).toEqual([path, 501]);
  }
});

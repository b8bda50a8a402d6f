// Contract rexec, "Response": the exact error answers, always text/plain.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newAlias, postBody, postProcess, run, specOf, start } from "../support/jobs.ts";
import { newToken, untilGone, withToken } from "../support/processes.ts";
import { rawConnection } from "../support/raw.ts";
import { exchange, rawProcess, requestBytes } from "../support/raw-request.ts";
import { errorOf, errorOfAnswer } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

describe("401", () => {
  const token = newToken();
  const sleeping = () => JSON.stringify({ alias: newAlias(), cmd: "sleep", args: ["100", token] });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  test("for a start without a credential", async () => {
    const response = await postBody(server, sleeping(), { credential: false });
    expect(response.headers.get("www-authenticate")).toContain("Basic");
    expect(await errorOf(response)).toMatchObject({ status: 401, code: "Unauthorized", type: "text/plain" });
    expect(withToken(token)).toEqual([]);
  });

  test.each<[string, (right: string) => string]>([
    ["an empty token", () => "Bearer "],
    ["another token", (right) => `Bearer ${"0".repeat(right.length)}`],
    ["a longer token", (right) => `Bearer ${right}0`],
    ["a shorter token", (right) => `Bearer ${right.slice(0, -1)}`],
    ["the token in other letters", (right) => `Bearer ${swapCase(right)}`],
    ["the token without its scheme", (right) => right],
    ["an unknown scheme", (right) => `Digest ${right}`],
    ["the token as the user of Basic", (right) => basic(`${right}:`)],
    ["broken Basic", () => "Basic %%%"],
  ])("for %s", async (_name, authorization) => {
    const headers = { authorization: authorization(server.token) };
    const answer = await exchange(server, { headers, body: sleeping() });
    expect(errorOfAnswer(answer)).toMatchObject({ status: 401, code: "Unauthorized" });
    expect(withToken(token)).toEqual([]);
  });

  test("for a path that does not exist, too", async () => {
    expect((await server.request("/nothing", { credential: false })).status).toBe(401);
  });

  test("not for the token as the password of Basic", async () => {
    const headers = { authorization: basic(`anyone:${server.token}`) };
    const body = JSON.stringify(specOf(["echo", "x"]));
    expect((await exchange(server, { headers, body })).body.toString()).toBe("x\n");
  });
});

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

describe("501", () => {
  const invalidPath = { status: 501, body: Buffer.from("Invalid path.") };

  test.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])("for %s /process", async (method) => {
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { method }));
    const answer = await connection.untilHead();
    expect(answer.status).toBe(501);
    expect(answer.headers["content-type"]).toStartWith("text/plain");
    if (method !== "HEAD") expect(await connection.untilAnswered()).toMatchObject(invalidPath);
  });

  test.each([
    "/process/",
    "/Process",
    "/processes",
    "/proces",
    "//process",
    "/x/../process",
    "/./process",
    "/%70rocess",
    "/process%20",
    "/process%00",
    "/nothing",
    "/nothing/at/all?x=1",
  ])("for POST %s", async (path) => {
    const token = newToken();
    const body = JSON.stringify(specOf(["sleep", "100", token]));
    const answer = await exchange(server, { path, body });
    expect(answer).toMatchObject(invalidPath);
    expect(answer.headers["content-type"]).toStartWith("text/plain");
    expect(withToken(token)).toEqual([]);
  });

  test("not for /process with a query", async () => {
    for (const path of ["/process?", "/process?x=1&y", "/process?/../x"]) {
      const answer = await exchange(server, { path, body: JSON.stringify(specOf(["echo", "x"])) });
      expect([answer.status, answer.body.toString()]).toEqual([200, "x\n"]);
    }
  });
});

describe("413", () => {
  const tooLarge = { status: 413, code: "TooLarge", type: "text/plain" };
  const announced = 1024 * 1024 * 1024;

  test("for an announced length, before the body is sent", async () => {
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { headers: { "content-length": String(announced) } }));
    expect(errorOfAnswer(await connection.untilAnswered())).toMatchObject(tooLarge);
  });

  test("for a chunked body without end", async () => {
    const connection = await rawConnection(server);
    const headers = { "content-length": undefined, "transfer-encoding": "chunked" };
    connection.send(requestBytes(server, { headers }));
    const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`;
    for (let sent = 0; sent < 1024 && connection.ending === "open" && connection.length === 0; sent += 1) {
      connection.send(chunk);
      await connection.sent();
    }
    expect(errorOfAnswer(await connection.untilAnswered())).toMatchObject(tooLarge);
  }, 20_000);

  test("and the server goes on", async () => {
    expect((await run(server, ["echo", "on"])).text).toBe("on\n");
  });
});

describe("429", () => {
  test("when as many jobs run as are allowed; one that ends makes room", async () => {
    const small = await startServer({ config: "[limits]\nmaxRunningJobs = 2\n" });
    const tokens = [newToken(), newToken(), newToken()];
    const sleeping = (index: number) => specOf(["sleep", "100", tokens[index] ?? ""]);
    const first = await rawProcess(small, sleeping(0));
    await rawProcess(small, sleeping(1));
    const error = await errorOf(await postProcess(small, sleeping(2)));
    expect(error).toMatchObject({ status: 429, code: "TooManyJobs", type: "text/plain" });
    expect(Number(error.retryAfter)).toBeGreaterThan(0);
    expect(withToken(tokens[2] ?? "")).toEqual([]);
    first.close();
    await untilGone(tokens[0] ?? "");
    await untilRoom(small);
  });
});

/** The place of a job is free when the job is `ended`, a moment after its processes are gone. */
async function untilRoom(small: Server): Promise<void> {
  await until(async () => {
    const response = await start(small, ["echo", "room"]);
    return (await response.text()) === "room\n";
  });
}

// Contract rexec, "the server stops the job": the answer is cut, so that no client takes it for whole.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { endedJob, specOf, stop } from "../support/jobs.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

test("what was printed arrives, then the stream is cut without its last chunk", async () => {
  const connection = await rawProcess(server, specOf([program("prompt"), newToken()]));
  await connection.until(() => connection.answer().body.length > 0, "the prompt");
  expect((await stop(server, connection.jobId)).status).toBe(200);
  await connection.untilClosed();
  expect(connection.answer()).toMatchObject({ status: 200, complete: false, cut: true });
  expect(connection.answer().body.toString()).toBe("Password: ");
});

test("a command that has printed nothing is cut as well", async () => {
  const connection = await rawProcess(server, specOf([program("run-for-ever"), newToken()]));
  await stop(server, connection.jobId);
  await connection.untilClosed();
  expect(connection.answer()).toMatchObject({ status: 200, complete: false, cut: true });
  expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({
    reason: "stopped",
    code: null,
    signal: "SIGTERM",
    success: false,
  });
});

test("a command that ends with code 0 when it is stopped is no success, and cut", async () => {
  const script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done";
  const connection = await rawProcess(server, specOf(["timeout", "60", "sh", "-c", script]));
  await connection.until(() => connection.answer().body.length > 0, "ready");
  await stop(server, connection.jobId);
  await connection.untilClosed();
  expect(connection.answer().cut).toBe(true);
  expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({
    reason: "stopped",
    success: false,
  });
});

test("a command that tidies up has the time to", async () => {
  const proof = join(temporaryDirectory("proof"), "tidy");
  const connection = await rawProcess(server, specOf([program("clean-up-on-term"), newToken(), proof]));
  await connection.until(() => connection.answer().body.length > 0, "ready");
  await stop(server, connection.jobId, 10);
  expect(existsSync(proof) && readFileSync(proof, "utf8")).toBe("tidy\n");
  expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({ reason: "stopped", code: 3 });
});

test.each(Object.entries(treeShapes))(
  "the tree %s is gone when the stop is answered",
  async (shape, size) => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program(shape), token]));
    await untilLiving(token, size);
    const answer = await stop(server, connection.jobId, 0.5);
    expect([answer.status, withToken(token)]).toEqual([200, []]);
    await connection.untilClosed();
    expect(connection.answer().cut).toBe(true);
  },
  20_000,
);

test("curl reports the cut as an error", async () => {
  const token = newToken();
  const body = JSON.stringify(specOf([program("run-for-ever"), token], { alias: "for-curl" }));
  const authorization = `Authorization: Bearer ${server.token}`;
  const curl = command(["curl", "-sS", "-H", authorization, "--data-binary", body, `${server.url}/process`]);
  await untilLiving(token, 1);
  const listed = await server.request("/v1/jobs?alias=for-curl");
  const id = /"id":\s*"(\d+)"/.exec(await listed.text())?.[1] ?? "";
  await stop(server, id);
  // 18: the transfer was not whole; 56: the connection was reset.
  expect((await curl).code).toBeOneOf([18, 56]);
});

test("a job that has ended is left as it was", async () => {
  const connection = await rawProcess(server, specOf(["true"]));
  await connection.untilAnswered();
  const before = await endedJob(server, connection.jobId);
  const answer = await stop(server, connection.jobId);
  expect(answer.status).toBeLessThan(500);
  expect((await endedJob(server, connection.jobId)).outcome).toEqual(before.outcome);
});

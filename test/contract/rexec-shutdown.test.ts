// Contract rexec, "graceful shutdown" and the 503 row: no new commands, the running ones may end, then they are stopped.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob, postProcess, specOf } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { errorOf } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";

afterAll(endEverything);

const drain = (seconds: number) => `[limits]\nshutdownDrainSeconds = ${seconds}\n`;

interface Draining {
  server: Server;
  connection: RawConnection;
  token: string;
  /** Its creation lets the command end with code 0. */
  gate: string;
}

/** A server with a running command, told to end by a signal. */
async function draining(seconds: number, name: NodeJS.Signals = "SIGTERM"): Promise<Draining> {
  const server = await startServer({ config: drain(seconds) });
  const [token, gate] = [newToken(), join(temporaryDirectory("gate"), "open")];
  const connection = await rawProcess(server, specOf([program("wait-for-file"), token, gate]));
  signal(server.pid, name);
  const unready = async () => (await server.request("/readyz")).status === 503;
  await until(unready, { describe: "the server to drain" });
  return { server, connection, token, gate };
}

async function ended(server: Server): Promise<number | null> {
  await within(server.process.exited, { timeoutMilliseconds: 15_000, describe: "the end of the server" });
  return server.process.exitCode;
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (name) => {
  test("refuses new commands and lets the running one end whole", async () => {
    const { server, connection, gate } = await draining(60, name);
    const token = newToken();
    const error = await errorOf(await postProcess(server, specOf(["sleep", "100", token])));
    expect(error).toMatchObject({ status: 503, code: "ShuttingDown", type: "text/plain" });
    expect(Number(error.retryAfter)).toBeGreaterThan(0);
    expect(withToken(token)).toEqual([]);
    expect(connection.answer()).toMatchObject({ complete: false, cut: false });
    writeFileSync(gate, "");
    expect(await connection.untilAnswered()).toMatchObject({ complete: true, cut: false });
    expect(await ended(server)).toBe(0);
    const again = await startServer({ dataDir: server.dataDir });
    expect((await endedJob(again, connection.jobId)).outcome).toMatchObject({ reason: "exited", code: 0 });
  }, 30_000);
});

describe("after the drain time", () => {
  test("what still runs is stopped, its answer is cut, and its outcome says why", async () => {
    const { server, connection, token } = await draining(0.5);
    await connection.untilClosed(15_000);
    expect(connection.answer()).toMatchObject({ status: 200, complete: false, cut: true });
    expect(await ended(server)).toBe(0);
    expect(withToken(token)).toEqual([]);
    const again = await startServer({ dataDir: server.dataDir });
    expect((await endedJob(again, connection.jobId)).outcome).toMatchObject({
      reason: "shutdown",
      success: false,
    });
  }, 30_000);

  test("the whole tree is stopped, even when it ignores TERM", async () => {
    const server = await startServer({ config: `${drain(0.2)}stopGraceSeconds = 0.5\n` });
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("ignore-term"), token]));
    await untilLiving(token, 2);
    signal(server.pid, "SIGTERM");
    await ended(server);
    expect(withToken(token)).toEqual([]);
    await connection.untilClosed();
    expect(connection.answer().cut).toBe(true);
  }, 30_000);

  test("what has outlived its command is left alone", async () => {
    const server = await startServer({ config: drain(0.2) });
    const token = newToken();
    await (await rawProcess(server, specOf([program("daemonize"), token, "end"]))).untilAnswered();
    await untilLiving(token, 1);
    expect(await server.stop()).toBe(0);
    expect(withToken(token)).toHaveLength(1);
  }, 30_000);
});

test("a second signal ends the server and its commands at once", async () => {
  const { server, connection, token } = await draining(60);
  signal(server.pid, "SIGTERM");
  await within(server.process.exited, { timeoutMilliseconds: 5_000, describe: "the end of the server" });
  await untilGone(token, 5_000);
  await connection.untilClosed();
  expect(connection.answer().cut).toBe(true);
}, 30_000);

test("without commands the server ends at once, and its data directory can be used again", async () => {
  const server = await startServer({ config: drain(60) });
  expect(await server.stop(5_000)).toBe(0);
  const again = await startServer({ dataDir: server.dataDir });
  expect(again.token).toBe(server.token);
  expect(existsSync(join(again.dataDir, "token"))).toBe(true);
}, 30_000);

test("a server that is killed takes its commands with it", async () => {
  const server = await startServer();
  const token = newToken();
  const connection = await rawProcess(server, specOf([program("daemonize-cleared"), token]));
  await untilLiving(token, 2);
  await server.kill9();
  await untilGone(token, 3_000);
  await connection.untilClosed();
  expect(connection.answer().cut).toBe(true);
  const again = await startServer({ dataDir: server.dataDir });
  expect(await endedJob(again, connection.jobId)).toMatchObject({
    outcome: { reason: "lost", code: null, signal: null, success: false },
  });
}, 30_000);

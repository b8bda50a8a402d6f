// Contract rexec, "client closes the connection": the whole tree is stopped at once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { startCommand } from "../support/command.ts";
import { endedJob, job, run, specOf } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true });
});
afterAll(endEverything);

const ways: [string, (connection: RawConnection) => void][] = [
  ["closes (FIN)", (connection) => connection.close()],
  ["breaks the connection (RST)", (connection) => connection.reset()],
  ["shuts its sending side", (connection) => connection.halfClose()],
];

/** A command that obeys TERM is gone within 250 ms, one that ignores it after half a second; the rest is for a busy machine. */
const goneMilliseconds = 3_000;

describe.each(ways)("a client that %s", (_way, leave) => {
  test("ends a quiet command", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("run-for-ever"), token]));
    const { jobId } = connection;
    leave(connection);
    await untilGone(token, goneMilliseconds);
    expect(await endedJob(server, jobId)).toMatchObject({
      state: "ended",
      outcome: { reason: "disconnected", code: null, signal: "SIGTERM", success: false },
    });
  });

  test("ends a command that writes", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("flood"), token]));
    const { jobId } = connection;
    leave(connection);
    await untilGone(token, goneMilliseconds);
    expect((await endedJob(server, jobId)).outcome).toMatchObject({ reason: "disconnected", success: false });
  });

  test("ends one that ignores TERM", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("ignore-term"), token]));
    await connection.until(() => connection.answer().body.toString() === "ready\n", "ready");
    leave(connection);
    await untilGone(token, goneMilliseconds);
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({
      reason: "disconnected",
      signal: "SIGKILL",
    });
  });

  test("gives a command that tidies up the time to", async () => {
    const [token, proof] = [newToken(), join(temporaryDirectory("proof"), "tidy")];
    const connection = await rawProcess(server, specOf([program("clean-up-on-term"), token, proof]));
    await connection.until(() => connection.answer().body.toString() === "ready\n", "ready");
    leave(connection);
    await untilGone(token, goneMilliseconds);
    expect(existsSync(proof)).toBe(true);
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({
      reason: "disconnected",
      code: 3,
      signal: null,
    });
  });

  test("after the end changes nothing", async () => {
    const connection = await rawProcess(server, specOf(["echo", "x"]));
    expect((await connection.untilAnswered()).complete).toBe(true);
    leave(connection);
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({ reason: "exited", code: 0 });
  });
});

test.each(Object.entries(treeShapes))(
  "the tree %s goes as a whole",
  async (shape, size) => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program(shape), token]));
    await untilLiving(token, size);
    connection.close();
    await untilGone(token, goneMilliseconds);
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({ reason: "disconnected" });
  },
  20_000,
);

test("one client's leaving does not touch another's command", async () => {
  const [leaving, staying] = [newToken(), newToken()];
  const first = await rawProcess(server, specOf([program("daemonize-cleared"), leaving]));
  const second = await rawProcess(server, specOf([program("daemonize-cleared"), staying]));
  await Promise.all([untilLiving(leaving, 2), untilLiving(staying, 2)]);
  first.reset();
  await untilGone(leaving, goneMilliseconds);
  expect(withToken(staying)).toHaveLength(2);
  expect((await job(server, second.jobId)).state).toBe("running");
});

describe("curl", () => {
  test.each(["SIGINT", "SIGKILL"] as const)(
    "ended by %s ends the command and all it has started",
    async (signal) => {
      const token = newToken();
      const body = JSON.stringify(specOf([program("daemonize"), token]));
      const authorization = `Authorization: Bearer ${server.token}`;
      const curl = startCommand(["curl", "-sSN", "-H", authorization, "-d", body, `${server.url}/process`]);
      await untilLiving(token, 2);
      curl.kill(signal);
      expect((await curl.result).signal).toBe(signal);
      await untilGone(token, goneMilliseconds);
    },
  );
});

test("the server goes on and keeps no connection of those who left", async () => {
  await run(server, ["true"]);
  const before = server.openDescriptors();
  const tokens = Array.from({ length: 20 }, newToken);
  const connections = await Promise.all(
    tokens.map((token) => rawProcess(server, specOf([program("run-for-ever"), token]))),
  );
  for (const [index, connection] of connections.entries()) ways[index % ways.length]?.[1](connection);
  await Promise.all(tokens.map((token) => untilGone(token)));
  for (const connection of connections) expect(await endedJob(server, connection.jobId)).toBeDefined();
  await run(server, ["true"]);
  expect(server.openDescriptors()).toBeLessThanOrEqual(before + 2);
}, 20_000);

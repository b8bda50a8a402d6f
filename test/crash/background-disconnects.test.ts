// R10: background jobs do not care about disconnects, whatever their clients did with them and however they leave.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startCommand } from "../support/command.ts";
import { openPorts } from "../support/open-ports.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { type RawRequest, requestBytes } from "../support/raw-request.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background, look } from "./support/background.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const disconnects = count(50, 500);
const timeoutMilliseconds = patience(40_000);

const ways: readonly ((connection: RawConnection) => void)[] = [
  (connection) => connection.close(),
  (connection) => connection.reset(),
  (connection) => connection.halfClose(),
];

/** What a client may be in the middle of. */
const requests: readonly ((id: string) => RawRequest)[] = [
  (id) => ({ method: "GET", path: `/v1/jobs/${id}/events` }),
  (id) => ({ method: "GET", path: `/v1/jobs/${id}/stdout?follow=true` }),
  (id) => ({ method: "GET", path: `/v1/jobs/${id}?wait=60` }),
  () => ({ method: "GET", path: "/v1/events" }),
  (id) => ({
    method: "PUT",
    path: `/v1/jobs/${id}/stdin`,
    headers: { "content-length": "1000" },
    body: "half",
  }),
];

/** Streams have begun; a wait, and a body that is not whole, have no answer yet. */
async function isUnderWay(connection: RawConnection, { path = "" }: RawRequest): Promise<void> {
  if (/events|follow/.test(path)) await connection.untilHead();
  else await connection.sent();
}

test(
  `R10: ${disconnects} disconnects: no background job is stopped`,
  async () => {
    const token = newToken();
    const ticking = { command: [program("slow-ticks"), token, "100000", "0.05"] };
    const reading = { command: [program("run-for-ever"), token], stdin: "open" };
    const jobs = await Promise.all([ticking, reading].map((spec) => background(server, spec)));
    await until(() => withToken(token).length >= 2, { describe: "both commands" });
    for (let turn = 0; turn < disconnects; turn += 1) {
      const { id } = jobs[turn % jobs.length] ?? { id: "" };
      const request = requests[turn % requests.length]?.(id) ?? {};
      const connection = await rawConnection(server);
      connection.send(requestBytes(server, request));
      await isUnderWay(connection, request);
      ways[turn % ways.length]?.(connection);
    }
    for (const { id } of jobs)
      expect(await look(server, id)).toMatchObject({ state: "running", outcome: null });
    // It goes on writing, too.
    const bytes = async () => Number((await head(jobs[0]?.id ?? "")).headers.get("content-length"));
    const before = await bytes();
    await until(async () => (await bytes()) > before, { describe: "more output" });
    for (const { id } of jobs) expect((await look(server, id)).state).toBe("running");
    report("R10", `${disconnects} disconnects, 0 of ${jobs.length} background jobs stopped`);
  },
  timeoutMilliseconds,
);

test("nor is one whose client is killed with it in hand", async () => {
  const token = newToken();
  const { id } = await background(server, { command: [program("child"), token] });
  await untilLiving(token, 2);
  const authorization = `Authorization: Bearer ${server.token}`;
  for (let turn = 0; turn < 3; turn += 1) {
    const before = openPorts(server.port);
    const curl = startCommand(["curl", "-sSN", "-H", authorization, `${server.url}/v1/jobs/${id}/events`]);
    const opened = () => [...openPorts(server.port)].find((port) => !before.has(port));
    const port = await until(opened, { describe: "the client's connection" });
    curl.kill("SIGKILL");
    await until(() => !openPorts(server.port).has(port), { describe: "its end" });
    expect((await curl.result).signal).toBe("SIGKILL");
  }
  expect((await look(server, id)).state).toBe("running");
  expect(withToken(token)).toHaveLength(2);
});

function head(id: string): Promise<Response> {
  return server.request(`/v1/jobs/${id}/stdout`, { method: "HEAD" });
}

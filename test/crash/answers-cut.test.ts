// Requests that wait for a job when the server ends: no made-up answer, and `errand wait` goes on with the next server.
import { afterAll, expect, test } from "bun:test";
import { Cli, type Told } from "../cli/support/cli.ts";
import { signal } from "../support/proc.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";

afterAll(endEverything);

/** A server that logs each request. */
const startTold = () => startServer({ args: ["-vv"] });

/** Asks, and waits until so many requests have come. */
async function asked(server: Server, times: number, ask: () => void): Promise<void> {
  const requests = () => server.logLines().filter(({ msg }) => msg === "request").length;
  const before = requests();
  ask();
  await until(() => requests() === before + times, { describe: `${times} more requests` });
}

async function stopped(server: Server): Promise<void> {
  signal(server.pid, "SIGTERM");
  await within(server.process.exited, { describe: "the end of the server" });
}

test("a server that ends answers nothing to those who wait for a job that goes on", async () => {
  const server = await startTold();
  const id = await new Cli(server).launch("--", "sleep", "60");
  const waits = [
    { method: "GET", path: `/v1/jobs/${id}?wait=20` },
    { path: "/v1/jobs?wait=20", body: '{"command":["sleep","60"]}' },
  ];
  const connections = await Promise.all(waits.map(() => rawConnection(server)));
  await asked(server, waits.length, () => {
    for (const [index, wait] of waits.entries()) connections[index]?.send(requestBytes(server, wait));
  });
  const running = async () =>
    (await server.request("/v1/jobs?state=running")).json() as Promise<{ jobs: unknown[] }>;
  await until(async () => (await running()).jobs.length === 2, { describe: "two running jobs" });
  await stopped(server);
  await Promise.all(connections.map((connection) => connection.untilAnswered()));
  expect(connections.map((connection) => connection.text())).toEqual(["", ""]);
});

test.each(["killed", "stopped"])("errand wait goes on when the server is %s and comes back", async (how) => {
  const server = await startTold();
  const cli = new Cli(server);
  const id = await cli.launch("--shell", "sleep 4; exit 7");
  // Once for what the job is now, then for its end.
  let running = Promise.resolve<Partial<Told>>({});
  await asked(server, 2, () => {
    running = cli.start(["wait", id]).ended;
  });
  if (how === "killed") await server.kill9();
  else await stopped(server);
  await startServer({ dataDir: server.dataDir, listen: [`127.0.0.1:${server.port}`] });
  expect(await running).toMatchObject({ code: 7, stdout: "", stderr: "" });
});

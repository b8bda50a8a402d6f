// Contract sidecar: a client that gives up does not stop the command.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server } from "../support/server.ts";
import { postShell, shell, startSidecar } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let server: Server;
let directory: string;
beforeAll(async () => {
  server = await startSidecar();
  directory = temporaryDirectory("disconnect");
});
afterAll(endEverything);

const ways: [string, (connection: RawConnection) => void][] = [
  ["closes (FIN)", (connection) => connection.close()],
  ["breaks the connection (RST)", (connection) => connection.reset()],
  ["shuts its sending side", (connection) => connection.halfClose()],
];

/** The job that runs with the token, which no answer has named. */
async function runningJob(token: string): Promise<string> {
  const { jobs } = (await (await server.request("/v1/jobs?limit=100")).json()) as {
    jobs: { id: string; command: string[] }[];
  };
  return jobs.find(({ command }) => command.some((word) => word.includes(token)))?.id ?? "";
}

async function send(fields: unknown): Promise<RawConnection> {
  const connection = await rawConnection(server);
  connection.send(requestBytes(server, { path: "/shell", body: JSON.stringify(fields) }));
  return connection;
}

describe.each(ways)("a client that %s", (_way, leave) => {
  test("while it waits leaves the command running to its end", async () => {
    const token = newToken();
    const proof = join(directory, token);
    const connection = await send({ command: `sleep ${token} 1; echo kept; touch ${proof}` });
    await untilLiving(token, 1);
    const id = await runningJob(token);
    leave(connection);
    await untilGone(token);
    await until(() => existsSync(proof), { describe: "the command's last step" });
    expect((await endedJob(server, id)).outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    expect(await (await server.request(`/v1/jobs/${id}/stdout`)).text()).toBe("kept\n");
  });

  test("right after its request has started the command", async () => {
    const proof = join(directory, newToken());
    const connection = await send({ command: `sleep 0.2; touch ${proof}` });
    await connection.sent();
    // A broken connection may take with it what was not read yet; the other ways do not.
    if (leave === ways[1]?.[1]) await Bun.sleep(100);
    leave(connection);
    await until(() => existsSync(proof), { describe: "the command's last step" });
  });
});

test("a request that times out leaves the command running", async () => {
  const token = newToken();
  const late = postShell(
    server,
    { command: `sleep ${token} 1; echo done` },
    { signal: AbortSignal.timeout(300) },
  );
  await expect(late).rejects.toThrow();
  await untilLiving(token, 1);
  const id = await runningJob(token);
  expect((await endedJob(server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
});

test("many that give up leave nothing behind in the server", async () => {
  const token = newToken();
  const before = server.openDescriptors();
  const connections = await Promise.all(
    Array.from({ length: 50 }, () => send({ command: `exec sleep ${token} 1` })),
  );
  await untilLiving(token, 50);
  for (const connection of connections) connection.reset();
  await untilGone(token);
  await until(() => server.openDescriptors() <= before + 5, { describe: "descriptors to be closed" });
  expect((await shell(server, "echo on")).stdout).toBe("on\n");
});

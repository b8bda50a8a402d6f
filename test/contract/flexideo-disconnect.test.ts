// Contract flexideo: a client that goes away stops nothing; the server only stops working on its answer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { launch, sh, shell, shellTag } from "../support/flexideo.ts";
import { endedJob } from "../support/jobs.ts";
import { readProcess } from "../support/proc.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, untilSteady } from "../support/wait.ts";

let server: Server;
let directory: string;
beforeAll(async () => {
  server = await startServer({ atRest: true });
  directory = temporaryDirectory("disconnect");
});
afterAll(endEverything);

async function send(...elements: readonly string[]): Promise<RawConnection> {
  const connection = await rawConnection(server);
  const headers = { "content-type": "application/xml" };
  const body = `<request>${elements.join("")}</request>`;
  connection.send(requestBytes(server, { path: "/solve", headers, body }));
  return connection;
}

/** The job that runs with the token, which no answer has named. */
async function idOf(token: string): Promise<string> {
  const { jobs } = (await (await server.request("/v1/jobs?limit=100")).json()) as {
    jobs: { id: string; command: string[] }[];
  };
  return jobs.find(({ command }) => command.some((word) => word.includes(token)))?.id ?? "";
}

const ways: [string, (connection: RawConnection) => void][] = [
  ["closes (FIN)", (connection) => connection.close()],
  ["breaks the connection (RST)", (connection) => connection.reset()],
  ["shuts its sending side", (connection) => connection.halfClose()],
];

describe.each(ways)("a client that %s", (_way, leave) => {
  test("leaves the program running to its end, and its result is kept", async () => {
    const token = newToken();
    const connection = await send(shellTag({ command: sh(`sleep ${token} 1; echo kept`) }));
    await untilLiving(token, 1);
    const id = await idOf(token);
    leave(connection);
    await untilGone(token);
    expect((await endedJob(server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
    expect(await shell(server, { id })).toMatchObject({ status: "ok", output: "kept\n" });
  });

  test("leaves the rest of its request to be carried out", async () => {
    const token = newToken();
    const proof = join(directory, token);
    const connection = await send(
      shellTag({ command: `sleep ${token} 0.5` }),
      shellTag({ command: "no-such-program" }),
      shellTag({ id: "1" }),
      shellTag({ command: "yes", timeout: 1 }),
      shellTag({ command: `touch ${proof}` }),
    );
    await untilLiving(token, 1);
    leave(connection);
    await until(() => existsSync(proof), { describe: "the last program of the request" });
  });
});

/** Megabytes that the server has read so far, from files, pipes and connections. */
function megabytesRead(): number {
  return Math.floor(Number(/^rchar: (\d+)$/m.exec(readProcess(server.pid, "io") ?? "")?.[1]) / 1e6);
}

test("an answer that nobody reads any more is not worked on to its end", async () => {
  const megabytes = 300;
  const id = await launch(server, `head -c ${megabytes}000000 /dev/zero`);
  await endedJob(server, id, 30);
  const descriptors = server.openDescriptors();
  const before = megabytesRead();
  const connection = await send(shellTag({ id, encode: "hex" }));
  await connection.until(() => connection.length > 1_000_000, "the beginning of the answer");
  connection.reset();
  await until(() => server.openDescriptors() <= descriptors, { describe: "descriptors to be closed" });
  expect((await untilSteady(megabytesRead)) - before).toBeLessThan(megabytes / 2);
  expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
});

test("many that give up leave nothing behind in the server", async () => {
  const token = newToken();
  const before = server.openDescriptors();
  const connections = await Promise.all(
    Array.from({ length: 50 }, () => send(shellTag({ command: sh(`exec sleep ${token} 1`) }))),
  );
  await untilLiving(token, 50);
  for (const connection of connections) connection.reset();
  await untilGone(token);
  await until(() => server.openDescriptors() <= before + 5, { describe: "descriptors to be closed" });
  expect((await shell(server, { command: "echo on" })).output).toBe("on\n");
});

test("an answer whose output goes while it is read is cut, so that nobody takes it for whole", async () => {
  const big = await launch(server, "head -c 100000000 /dev/zero");
  await endedJob(server, big, 30);
  const connection = await send(shellTag({ id: big, encode: "base64" }));
  await connection.until(() => connection.length > 100_000, "the beginning of the answer");
  connection.pause();
  expect((await server.request(`/v1/jobs/${big}`, { method: "DELETE" })).status).toBe(204);
  connection.resume();
  const answer = await connection.untilAnswered(30_000);
  expect([answer.status, answer.complete, answer.body.includes("</response>")]).toEqual([200, false, false]);
});

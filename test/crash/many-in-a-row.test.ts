// Scale: 20,000 commands one after the other leave nothing behind in the server.
import { afterAll, expect, test } from "bun:test";
import { childrenOf } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { startRequest, statuses } from "./support/exclusive.ts";
import { overConnections } from "./support/keep-alive.ts";
import { findWatchdogs } from "./support/watchdog.ts";

afterAll(endEverything);

const connections = 16;
const first = 4_000;
const total = 20_000;
/** What 16,000 commands more may leave in the server's memory: 1 KiB each. */
const mostGrowth = 16 * 1024 * 1024;

async function commands(server: Server, count: number): Promise<void> {
  const answers: { status: number }[] = [];
  await overConnections(server, { connections, total: count }, async (connection, index) => {
    const { status, complete } = await connection.request(
      startRequest({ alias: `row-${index}`, cmd: "/bin/true" }),
    );
    answers.push({ status: complete ? status : 0 });
  });
  expect(statuses(answers)).toEqual({ 200: count });
}

/** The open descriptors when the last connections have been closed here, too. */
async function idleDescriptors(server: Server, most: number): Promise<number> {
  const describe = () => `at most ${most} descriptors, there are ${server.openDescriptors()}`;
  await until(() => server.openDescriptors() <= most, { describe });
  return server.openDescriptors();
}

test(`${total} commands in a row over ${connections} connections: no growth after ${first}`, async () => {
  const server = await startServer({ atRest: true });
  const atStart = server.openDescriptors();
  const began = performance.now();
  await commands(server, first);
  const descriptors = await idleDescriptors(server, atStart + 2);
  const before = server.memory();
  await commands(server, total - first);
  const seconds = (performance.now() - began) / 1_000;
  // Collections run when it suits the runtime: what counts is what it keeps.
  const grown = () => server.memory().anonymousBytes - before.anonymousBytes;
  await until(() => grown() <= mostGrowth, {
    timeoutMilliseconds: 30_000,
    describe: () => `at most ${mostGrowth} bytes more memory, there are ${grown()}`,
  });
  const after = server.memory();
  const left = await idleDescriptors(server, descriptors);
  const mebibytes = ({ anonymousBytes }: { anonymousBytes: number }) =>
    (anonymousBytes / 1024 / 1024).toFixed(1);
  console.log(
    `${total} in a row: ${Math.round(total / seconds)}/s; memory ${mebibytes(before)} MiB after ${first}, ` +
      `${mebibytes(after)} after ${total}; descriptors ${descriptors}, then ${left}`,
  );
  // No exit was left untaken.
  const children = () => childrenOf(server.pid).filter((pid) => !findWatchdogs(server.pid).includes(pid));
  await until(() => children().length === 0, {
    describe: () => `no children, there are ${children().length}`,
  });
}, 120_000);

// Scale: 2,000 commands run at once and are stopped at once; afterwards the server is as it was.
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { run } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { startRequest } from "./support/exclusive.ts";
import { KeepAlive } from "./support/keep-alive.ts";
import { millisecondsToEnd } from "./support/trees.ts";

afterAll(endEverything);

const count = 2_000;
const warmUp = 200;
/** At most so much more than with nothing running, after a first, smaller crowd: 24 KiB for each command. */
const mostGrowth = 48 * 1024 * 1024;
/** Two pipes, their readers and a connection for each command, and some to spare. */
const neededDescriptors = 6 * count;

const hardLimit = /^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(
  readFileSync("/proc/self/limits", "utf8"),
)?.[1];
const tooFew = Number(hardLimit) < neededDescriptors;

interface Crowd {
  token: string;
  connections: KeepAlive[];
}

/** Starts as many commands as said, 50 at a time, each on a connection of its own. */
async function crowd(server: Server, size: number): Promise<Crowd> {
  const token = newToken();
  const connections = Array.from({ length: size }, () => new KeepAlive(server));
  let next = 0;
  const worker = async () => {
    for (;;) {
      const index = next;
      const connection = connections[index];
      next += 1;
      if (connection === undefined) return;
      await connection.send(startRequest({ alias: `${token}-${index}`, cmd: "sleep", args: ["120", token] }));
      expect((await connection.head()).status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  await untilLiving(token, size, 20_000);
  return { token, connections };
}

/** All clients leave at once; gives the milliseconds until nothing was left. */
function leave({ token, connections }: Crowd): Promise<number> {
  return millisecondsToEnd(
    [{ token }],
    () => {
      for (const connection of connections) connection.close();
    },
    20_000,
  );
}

async function untilIdle(server: Server): Promise<void> {
  const none = async () => {
    const response = await server.request("/v1/jobs?state=running&limit=1");
    return ((await response.json()) as { jobs: unknown[] }).jobs.length === 0;
  };
  await until(none, { timeoutMilliseconds: 20_000, describe: "no job to run" });
  await run(server, ["true"]);
}

/** The runtime collects all garbage only after some ten seconds without work. */
async function untilShrunk(server: Server, most: number): Promise<void> {
  const describe = () => `at most ${most} bytes, there are ${server.memory().anonymousBytes}`;
  await until(() => server.memory().anonymousBytes <= most, { timeoutMilliseconds: 40_000, describe });
}

test.skipIf(tooFew)(
  `${count} commands at once${tooFew ? ` (not tested: only ${hardLimit} descriptors are allowed)` : ""}: none is left, nor memory, nor a descriptor`,
  async () => {
    const server = await startServer({ atRest: true });
    await leave(await crowd(server, warmUp));
    await untilIdle(server);
    const [descriptors, memory] = [server.openDescriptors(), server.memory().anonymousBytes];
    const began = performance.now();
    const many = await crowd(server, count);
    const started = performance.now() - began;
    const [peakDescriptors, peak] = [server.openDescriptors(), server.memory().anonymousBytes];
    const gone = await leave(many);
    await untilIdle(server);
    // A closed connection may take the server a moment more than its command.
    await until(() => server.openDescriptors() <= descriptors + 2, {
      describe: () => `at most ${descriptors} descriptors, there are ${server.openDescriptors()}`,
    });
    const left = server.memory().anonymousBytes;
    const emptied = performance.now();
    await untilShrunk(server, memory + mostGrowth);
    const idle = Math.round((performance.now() - emptied) / 1_000);
    const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
    console.log(
      `${count} at once: started in ${Math.round(started)} ms, gone ${Math.round(gone)} ms after the clients left; ` +
        `descriptors ${descriptors}, ${peakDescriptors}, ${server.openDescriptors()}; ` +
        `memory ${mebibytes(memory)} before, ${mebibytes(peak)} with all, ${mebibytes(left)} right after, ` +
        `${mebibytes(server.memory().anonymousBytes)} after ${idle} s`,
    );
    expect(peakDescriptors).toBeGreaterThan(3 * count);
  },
  90_000,
);

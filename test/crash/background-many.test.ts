// Scale: 1,000 jobs run at once in the background; each keeps what it wrote, and afterwards the server is as it was.
import { afterAll, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { type BackgroundJob, shell } from "./support/background.ts";
import { overConnections } from "./support/keep-alive.ts";

afterAll(endEverything);

const count = 1_000;
const warmUp = 200;
const connections = 32;
/** At most so much more than after the smaller crowd. */
const mostGrowth = 40 * 1024 * 1024;
/** Two pipes with their readers and four files each, and some to spare. */
const neededDescriptors = 12 * count;

const hardLimit = /^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(
  readFileSync("/proc/self/limits", "utf8"),
)?.[1];
const tooFew = Number(hardLimit) < neededDescriptors;

/** Prints its number on both streams, waits for the gate, and ends with a code of its own. */
const script = 'echo "out $1"; echo "err $1" >&2; read -r line <"$2"; echo "end $1"; exit $(($1 % 200))';

interface Crowd {
  ids: string[];
  token: string;
  gate: string;
}

async function start(server: Server, size: number): Promise<Crowd> {
  const token = newToken();
  const gate = join(temporaryDirectory("gate"), "gate");
  expect((await command(["mkfifo", gate])).code).toBe(0);
  const ids: string[] = [];
  await overConnections(server, { connections, total: size }, async (connection, index) => {
    // Of this server: those with a process of their own to supervise them are tried elsewhere.
    const body = JSON.stringify({ ...shell(script, String(index), gate, token), survive: false });
    const answer = await connection.request({ method: "POST", path: "/v1/jobs", body });
    expect(answer.status).toBe(201);
    ids[index] = (JSON.parse(answer.body.toString()) as BackgroundJob).id;
  });
  await untilLiving(token, size, 20_000);
  return { ids, token, gate };
}

/** Lets those go on that wait at the gate; that nobody does is no error. */
function openGate(gate: string): void {
  try {
    closeSync(openSync(gate, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENXIO")) throw error;
  }
}

async function countRunning(server: Server): Promise<number> {
  let running = 0;
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await server.request(`/v1/jobs?state=running&limit=500${from}`);
    const page = (await response.json()) as { jobs: unknown[]; nextCursor: string | null };
    running += page.jobs.length;
    cursor = page.nextCursor;
  }
  return running;
}

async function finish(server: Server, { token, gate }: Crowd): Promise<void> {
  await until(
    async () => {
      openGate(gate);
      return (await countRunning(server)) === 0;
    },
    { timeoutMilliseconds: 30_000, describe: "no job to run" },
  );
  await untilLiving(token, 0);
}

/** What is not as it should be. */
async function faults(server: Server, { ids }: Crowd): Promise<string[]> {
  const wrong: string[] = [];
  await overConnections(server, { connections, total: ids.length }, async (connection, index) => {
    const get = async (path: string) => {
      const { status, body } = await connection.request({ method: "GET", path: `/v1/jobs/${path}` });
      return `${status} ${body}`;
    };
    const id = ids[index] ?? "";
    const said = [await get(`${id}/stdout`), await get(`${id}/stderr`)].join("");
    const job = JSON.parse((await get(id)).slice(4)) as BackgroundJob;
    const whole = `200 out ${index}\nend ${index}\n200 err ${index}\n`;
    const { state, outcome, stdout, stderrTail } = job;
    const told = [state, outcome?.reason, outcome?.code, stdout.bytes, stdout.truncated, stderrTail].join();
    const expected = ["ended", "exited", index % 200, 2 * `out ${index}\n`.length, false, `err ${index}\n`];
    if (said !== whole || told !== expected.join()) wrong.push(`${index}: ${said} ${told}`);
  });
  return wrong;
}

test.skipIf(tooFew)(
  `${count} jobs at once: output, codes, descriptors and memory (needs ${neededDescriptors} descriptors)`,
  async () => {
    const server = await startServer({ atRest: true });
    const first = await start(server, warmUp);
    await finish(server, first);
    expect(await faults(server, first)).toEqual([]);
    const [descriptors, memory] = [server.openDescriptors(), server.memory().anonymousBytes];
    const began = performance.now();
    const many = await start(server, count);
    const started = performance.now() - began;
    expect(await countRunning(server)).toBe(count);
    const [peakDescriptors, peak] = [server.openDescriptors(), server.memory().anonymousBytes];
    await finish(server, many);
    expect(await faults(server, many)).toEqual([]);
    await until(() => server.openDescriptors() <= descriptors + 2, {
      describe: () => `at most ${descriptors} descriptors, there are ${server.openDescriptors()}`,
    });
    // The runtime collects all garbage only after some ten seconds without work.
    const left = () => server.memory().anonymousBytes;
    const describe = () => `at most ${memory + mostGrowth} bytes of memory, there are ${left()}`;
    const right = left();
    await until(() => left() <= memory + mostGrowth, { timeoutMilliseconds: 30_000, describe });
    const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
    console.log(
      `${count} background jobs at once: started in ${Math.round(started)} ms; ` +
        `descriptors ${descriptors}, ${peakDescriptors}, ${server.openDescriptors()}; memory ${mebibytes(memory)} ` +
        `before, ${mebibytes(peak)} with all, ${mebibytes(right)} right after, ${mebibytes(left())} at the end`,
    );
    expect(peakDescriptors).toBeGreaterThan(4 * count);
  },
  90_000,
);

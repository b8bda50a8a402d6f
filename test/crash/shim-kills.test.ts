// R3: what is not known is told as lost: a shim that is killed leaves no made-up end, and nothing of its job's tree.
import { afterAll, expect, test } from "bun:test";
import { signal } from "../support/proc.ts";
import { newToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { look } from "./support/background.ts";
import { atOnce, livingByToken, replace, shimOf, survivor } from "./support/surviving.ts";
import type { Shape } from "./support/trees.ts";

afterAll(endEverything);

/** Half of them with a server that lives, half without. */
const kills = count(10, 100) / 2;
const lostMilliseconds = 5_000;
const treeShapesHere: readonly Shape[] = [
  "child",
  "setsid-child",
  "daemonize",
  "ignore-term",
  "setsid-cleared",
];

interface Victim {
  readonly id: string;
  readonly token: string;
  readonly shim: number;
}

async function victims(server: Server): Promise<Victim[]> {
  const found: Victim[] = [];
  await atOnce(Array.from({ length: Math.ceil(kills) }), 4, async (_, index) => {
    const shape = treeShapesHere[index % treeShapesHere.length] ?? "child";
    const token = newToken();
    const { id } = await survivor(server, { command: [program(shape), token], alias: `victim-${index}` });
    const there = () => livingByToken([token]).get(token) === treeShapes[shape];
    await until(there, { describe: `the processes of ${shape}` });
    found.push({ id, token, shim: shimOf(server, id) });
  });
  return found;
}

async function expectLost(server: Server, all: readonly Victim[]): Promise<void> {
  const left = () =>
    [...livingByToken(all.map(({ token }) => token)).values()].reduce((sum, one) => sum + one);
  const timeoutMilliseconds = lostMilliseconds;
  const over = async () => {
    const jobs = await Promise.all(all.map(({ id }) => look(server, id)));
    return left() === 0 && jobs.every(({ state }) => state === "lost");
  };
  await until(over, { timeoutMilliseconds, describe: () => `all to be lost; ${left()} processes are left` });
  for (const { id } of all) {
    const job = await look(server, id);
    expect(job).toMatchObject({ outcome: { reason: "lost", code: null, signal: null, success: false } });
    expect([job.pid, job.startedAt]).not.toContain(null);
  }
  const held = await server.request("/v1/jobs?state=running");
  expect(await held.json()).toMatchObject({ jobs: [] });
}

test(
  `R3: ${kills} shims are killed one by one, and the server sees it`,
  async () => {
    const server = await startServer();
    const all = await victims(server);
    for (const { shim } of all) signal(shim, "SIGKILL");
    await expectLost(server, all);
    report(
      "R3",
      `${all.length} shims killed beside their server: 0 ends invented, 0 running, 0 processes left`,
    );
  },
  patience(30_000),
);

test(
  `R3: ${kills} shims are killed while no server lives`,
  async () => {
    const server = await startServer();
    const all = await victims(server);
    await server.kill9();
    for (const { shim } of all) signal(shim, "SIGKILL");
    const next = await startServer({ dataDir: server.dataDir });
    await expectLost(next, all);
    // The one after that tells the same.
    await expectLost(await replace(next), all);
    report("R3", `${all.length} shims killed without a server: 0 ends invented, 0 running, 0 processes left`);
  },
  patience(30_000),
);

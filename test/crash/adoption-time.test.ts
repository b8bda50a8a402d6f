// R15: a server that finds many records and many jobs that live answers soon.
import { afterAll, expect, test } from "bun:test";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { ended } from "./support/background.ts";
import { atOnce, survivor } from "./support/surviving.ts";

afterAll(endEverything);

const records = count(100, 1_000);
const alive = count(10, 100);
const startsAtOnce = 4;
/** The promise is one second on a machine that has nothing else to do. */
const mostMilliseconds = 5_000;
const tries = 3;

async function many(server: Server, wanted: number, command: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  await atOnce(Array.from({ length: wanted }), startsAtOnce, async () => {
    ids.push((await survivor(server, { command })).id);
  });
  return ids;
}

test(
  `R15: ${records} records, ${alive} jobs alive: from the start of the process to its first answer`,
  async () => {
    let server = await startServer();
    const token = newToken();
    const over = await many(server, records, ["true"]);
    await Promise.all(over.slice(-startsAtOnce).map((id) => ended(server, id)));
    const living = await many(server, alive, ["sleep", "600", token]);
    await untilLiving(token, alive);
    const times: number[] = [];
    for (let turn = 0; turn < tries; turn += 1) {
      await server.kill9();
      const began = performance.now();
      server = await startServer({ dataDir: server.dataDir });
      const response = await server.request(`/v1/jobs/${living[0]}`);
      times.push(performance.now() - began);
      expect(await response.json()).toMatchObject({ state: "running" });
    }
    const running = await server.request("/v1/jobs?state=running&limit=500");
    expect(((await running.json()) as { jobs: unknown[] }).jobs).toHaveLength(alive);
    expect(withToken(token)).toHaveLength(alive);
    const told = times.map((time) => `${Math.round(time)} ms`).join(", ");
    report("R15", `${records} records, ${alive} jobs alive: first answer after ${told}`);
    expect(Math.min(...times)).toBeLessThanOrEqual(mostMilliseconds);
  },
  patience(60_000),
);

// R11: a service manager that ends or kills the main process alone and starts it anew: surviving jobs do not notice.
import { afterAll, expect, test } from "bun:test";
import { outputText } from "../crash/support/background.ts";
import { replace, shimOf, survivor } from "../crash/support/surviving.ts";
import { job, stop } from "../support/jobs.ts";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";

afterAll(endEverything);

const restarts = count(10, 100);
const jobs = 5;

test(
  `R11: ${restarts} restarts of the service with ${jobs} jobs`,
  async () => {
    const token = newToken();
    let server = await startServer();
    const ids: string[] = [];
    for (let index = 0; index < jobs; index += 1) {
      const command = [program("slow-ticks"), token, "100000", "0.1"];
      ids.push((await survivor(server, { command, alias: `a${index}` })).id);
    }
    const shims = ids.map((id) => shimOf(server, id));
    for (let turn = 0; turn < restarts; turn += 1) {
      if (turn % 2 === 0) server = await replace(server);
      else {
        expect(await server.stop()).toBe(0);
        server = await startServer({ dataDir: server.dataDir });
      }
      for (const [index, id] of ids.entries()) {
        expect(await job(server, id)).toMatchObject({ state: "running", outcome: null });
        expect(shimOf(server, id)).toBe(shims[index] ?? 0);
      }
    }
    for (const id of ids) {
      expect((await stop(server, id, 1)).status).toBe(200);
      const text = await outputText(server, id, "stdout");
      const lines = text.split("\n").length - 1;
      expect(text).toBe(Array.from({ length: lines }, (_, line) => `tick ${line + 1}\n`).join(""));
    }
    expect(withToken(token)).toEqual([]);
    report("R11", `${restarts} restarts, ${jobs} jobs through all of them, output contiguous`);
  },
  patience(60_000),
);

// R8 for jobs that survive: a server that has come later stops them whole, their shim does when none lives, and what is
// swept of one job is never another's.
import { afterAll, expect, test } from "bun:test";
import { stop } from "../support/jobs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";
import { ended } from "./support/background.ts";
import { replace, shimOf, untilDead } from "./support/surviving.ts";
import { livingOf, millisecondsToEnd, shapes, sizeOf, startSurvivingTrees } from "./support/trees.ts";

afterAll(endEverything);

const timesAtOnce = 2;
const rounds = count(1, 25);
const graceSeconds = 0.5;
/** TERM, the grace time, KILL, and a second. */
const stopMilliseconds = graceSeconds * 1_000 + 1_000;
const wanted = Array.from({ length: timesAtOnce }, () => shapes).flat();

test(
  `R8: ${shapes.length} shapes, ${timesAtOnce * rounds} of each that survive, stopped by the next server`,
  async () => {
    let server = await startServer();
    const neighbours = await startSurvivingTrees(server, shapes);
    let slowest = 0;
    for (let round = 0; round < rounds; round += 1) {
      const trees = await startSurvivingTrees(server, wanted);
      server = await replace(server);
      const gone = await millisecondsToEnd(trees, async () => {
        const answers = await Promise.all(trees.map(({ jobId }) => stop(server, jobId, graceSeconds)));
        expect(answers.map(({ status }) => status)).toEqual(trees.map(() => 200));
        expect(livingOf(trees)).toEqual([]);
      });
      slowest = Math.max(slowest, gone);
      for (const { jobId } of trees)
        expect((await ended(server, jobId)).outcome).toMatchObject({ reason: "stopped", success: false });
      expect(livingOf(neighbours)).toHaveLength(sizeOf(neighbours));
    }
    report(
      "R8",
      `${rounds * wanted.length} surviving trees stopped after a restart, 0 processes left, 0 of others touched; slowest ${Math.round(slowest)} ms`,
    );
    expect(slowest).toBeLessThanOrEqual(stopMilliseconds);
  },
  patience(40_000),
);

test(
  `R8: ${shapes.length} shapes, ${rounds} of each, stopped by their timeout without a server`,
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      const server = await startServer();
      const neighbours = await startSurvivingTrees(server, shapes);
      const trees = await startSurvivingTrees(server, shapes, {
        runTimeoutSeconds: 4,
        stopGraceSeconds: graceSeconds,
      });
      const shims = trees.map(({ jobId }) => shimOf(server, jobId));
      await server.kill9();
      await untilDead(shims);
      expect(livingOf(trees)).toEqual([]);
      expect(livingOf(neighbours)).toHaveLength(sizeOf(neighbours));
      const next = await startServer({ dataDir: server.dataDir });
      for (const { jobId } of trees)
        expect((await ended(next, jobId)).outcome).toMatchObject({ reason: "timeout", success: false });
      await Promise.all(neighbours.map(({ jobId }) => stop(next, jobId, 0)));
      await next.stop();
    }
    report(
      "R8",
      `${rounds * shapes.length} surviving trees stopped by their shims without a server, 0 processes left, 0 of others touched`,
    );
  },
  patience(40_000),
);

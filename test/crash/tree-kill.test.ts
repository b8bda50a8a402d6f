// R8: whatever shape a tree has, nothing of it is left a second after KILL, however it was stopped.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endedJob, stop } from "../support/jobs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { livingOf, millisecondsToEnd, type Shape, shapes, startTrees, type Tree } from "./support/trees.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
/** Trees of which nothing was left. */
let ended = 0;
afterAll(async () => {
  report(
    "R8",
    `${ended} trees of ${shapes.length} shapes stopped by their client or the API, 0 processes left`,
  );
  await endEverything();
});

const times = 5;
/** Each with so many of every shape at once. */
const rounds = count(1, 10);
const graceSeconds = 0.5;
/** TERM, the grace time, KILL, and a second. */
const stopMilliseconds = graceSeconds * 1_000 + 1_000;
const serverKillMilliseconds = 1_000;

const repeated = (shape: Shape) => Array.from({ length: times }, () => shape);

/** Does something with a shape in every round. */
function inRounds(action: (shape: Shape) => Promise<void>): (shape: Shape) => Promise<void> {
  return async (shape) => {
    for (let round = 0; round < rounds; round += 1) await action(shape);
    ended += times * rounds;
  };
}

function leave({ connection }: Tree, way: number): void {
  const ways = [() => connection.close(), () => connection.reset(), () => connection.halfClose()];
  ways[way % ways.length]?.();
}

describe(`R8: ${shapes.length} shapes, ${times} of each at once`, () => {
  test.each(shapes)(
    "%s: the client leaves",
    inRounds(async (shape) => {
      const trees = await startTrees(server, repeated(shape));
      const gone = await millisecondsToEnd(trees, () => trees.forEach(leave));
      for (const { jobId } of trees) {
        expect((await endedJob(server, jobId)).outcome).toMatchObject({ reason: "disconnected" });
      }
      console.log(`R8 ${shape}: ${trees.length} trees gone ${Math.round(gone)} ms after the client left`);
      expect(gone).toBeLessThanOrEqual(stopMilliseconds);
    }),
    patience(40_000),
  );

  test.each(shapes)(
    "%s: POST /v1/jobs/{id}/stop",
    inRounds(async (shape) => {
      const trees = await startTrees(server, repeated(shape));
      const gone = await millisecondsToEnd(trees, async () => {
        const stopped = trees.map(async ({ token, jobId }) => {
          const { status } = await stop(server, jobId, graceSeconds);
          return { status, left: livingOf([{ token }]).length };
        });
        const expected = trees.map(() => ({ status: 200, left: 0 }));
        expect(await Promise.all(stopped)).toEqual(expected);
      });
      for (const { connection, jobId } of trees) {
        await connection.untilClosed();
        expect(connection.answer().cut).toBe(true);
        expect((await endedJob(server, jobId)).outcome).toMatchObject({ reason: "stopped", success: false });
      }
      console.log(`R8 ${shape}: ${trees.length} trees gone ${Math.round(gone)} ms after the stop`);
      expect(gone).toBeLessThanOrEqual(stopMilliseconds);
    }),
    patience(40_000),
  );
});

describe(`R8: the server is killed, ${shapes.length} shapes at once`, () => {
  test(
    `${times * rounds} times`,
    async () => {
      for (let turn = 0; turn < times * rounds; turn += 1) await killServer();
      report("R8", `${times * rounds} servers killed with all ${shapes.length} shapes: 0 processes left`);
    },
    patience(40_000),
  );

  async function killServer(): Promise<void> {
    const victim = await startServer();
    const trees = await startTrees(victim, shapes);
    const gone = await millisecondsToEnd(trees, () => victim.kill9());
    console.log(`R8 server killed: ${trees.length} trees gone after ${Math.round(gone)} ms`);
    expect(gone).toBeLessThanOrEqual(serverKillMilliseconds);
  }
});

// SIGTERM: running jobs may end within the drain time, then they are stopped; a second signal does not wait.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { job, specOf } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { errorOfAnswer } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { livingOf, shapes, startTrees } from "./support/trees.ts";

afterAll(endEverything);

const timeoutMilliseconds = 60_000;
const jobs = 20;
const limits = (drainSeconds: number, graceSeconds: number) => ({
  ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: String(drainSeconds),
  ERRAND_LIMITS_STOP_GRACE_SECONDS: String(graceSeconds),
});

async function signalled(server: Server): Promise<void> {
  signal(server.pid, "SIGTERM");
  const unready = async () => (await server.request("/readyz")).status === 503;
  await until(unready, { describe: "the server to drain" });
}

/** The exit code, and how long it took. */
async function ended(server: Server): Promise<{ code: number | null; milliseconds: number }> {
  const began = performance.now();
  await within(server.process.exited, { timeoutMilliseconds: 20_000, describe: "the end of the server" });
  return { code: server.process.exitCode, milliseconds: performance.now() - began };
}

async function outcomes(server: Server, ids: readonly string[]): Promise<unknown[]> {
  const again = await startServer({ dataDir: server.dataDir });
  const found = await Promise.all(ids.map(async (id) => (await job(again, id, 0)).outcome));
  await again.kill9();
  return found;
}

function expectCut(connections: readonly RawConnection[]): void {
  const states = connections
    .map((connection) => connection.answer())
    .map(({ complete, cut }) => [complete, cut]);
  expect(states).toEqual(connections.map(() => [false, true]));
}

describe("SIGTERM", () => {
  test(
    `lets ${jobs} jobs end within the drain time, whole, and takes no new ones`,
    async () => {
      const server = await startServer({ env: limits(30, 1) });
      const [token, gate] = [newToken(), join(temporaryDirectory("gate"), "open")];
      // The output comes after the signal: it must arrive whole, too.
      const script = '"$0" "$1" "$2"; seq 1 50000';
      const command = ["sh", "-c", script, program("wait-for-file"), token, gate];
      const connections = await Promise.all(
        Array.from({ length: jobs }, () => rawProcess(server, specOf(command))),
      );
      await signalled(server);
      const refused = await rawProcess(server, specOf([program("run-for-ever"), newToken()]));
      const error = errorOfAnswer(await refused.untilAnswered());
      expect(error).toMatchObject({ status: 503, code: "ShuttingDown" });
      expect(Number(error.retryAfter)).toBeGreaterThan(0);
      writeFileSync(gate, "");
      const expected = `${Array.from({ length: 50_000 }, (_, index) => index + 1).join("\n")}\n`;
      for (const connection of connections) {
        const answer = await connection.untilAnswered(20_000);
        expect([answer.complete, answer.cut, answer.body.toString() === expected]).toEqual([
          true,
          false,
          true,
        ]);
      }
      expect((await ended(server)).code).toBe(0);
      const ids = connections.map(({ jobId }) => jobId);
      const exited = { reason: "exited", code: 0, signal: null, success: true, detail: null };
      expect(await outcomes(server, ids)).toEqual(ids.map(() => exited));
    },
    timeoutMilliseconds,
  );

  test(
    `stops what still runs after the drain time: ${shapes.length} shapes`,
    async () => {
      const server = await startServer({ env: limits(0.5, 0.5) });
      const trees = await startTrees(server, shapes);
      const began = performance.now();
      signal(server.pid, "SIGTERM");
      const { code } = await ended(server);
      const took = performance.now() - began;
      console.log(`drain: ${trees.length} trees stopped and the server ended after ${Math.round(took)} ms`);
      expect([code, livingOf(trees)]).toEqual([0, []]);
      expect(took).toBeGreaterThanOrEqual(500);
      // Drain, grace, a second after KILL, and what the end itself takes.
      expect(took).toBeLessThanOrEqual(500 + 500 + 2_000);
      for (const { connection } of trees) await connection.untilClosed();
      expectCut(trees.map(({ connection }) => connection));
      const found = await outcomes(
        server,
        trees.map(({ jobId }) => jobId),
      );
      for (const outcome of found) expect(outcome).toMatchObject({ reason: "shutdown", success: false });
    },
    timeoutMilliseconds,
  );

  test.each([
    ["during the drain time", limits(60, 60)],
    ["during the grace time", limits(0, 60)],
  ] as const)(
    "a second signal %s ends them at once",
    async (_when, env) => {
      const server = await startServer({ env });
      const token = newToken();
      const connection = await rawProcess(server, specOf([program("ignore-term"), token]));
      await untilLiving(token, 2);
      await signalled(server);
      // It ignores TERM: without the second signal it would be there for a minute.
      expect(withToken(token)).toHaveLength(2);
      signal(server.pid, "SIGTERM");
      const { code, milliseconds } = await ended(server);
      console.log(`second signal: ended after ${Math.round(milliseconds)} ms`);
      expect([code, withToken(token)]).toEqual([0, []]);
      expect(milliseconds).toBeLessThanOrEqual(2_000);
      await connection.untilClosed();
      expectCut([connection]);
      expect(await outcomes(server, [connection.jobId])).toMatchObject([
        { reason: "shutdown", signal: "SIGKILL", success: false },
      ]);
    },
    timeoutMilliseconds,
  );
});

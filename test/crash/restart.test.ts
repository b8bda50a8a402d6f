// A server that was killed: its jobs are told as lost, and the next server starts only when their trees are gone.
import { afterAll, describe, expect, test } from "bun:test";
import type { Answer } from "../support/answer.ts";
import { errand } from "../support/command.ts";
import { job, newAlias, run } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { untilLiving, withToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { Exclusive, statuses } from "./support/exclusive.ts";
import { KeepAlive } from "./support/keep-alive.ts";
import { livingOf, shapes, startTrees } from "./support/trees.ts";
import { watchdogOf } from "./support/watchdog.ts";

afterAll(endEverything);

const times = 5;
const connectionCount = 50;
/** Servers on one directory. */
const startsAtOnce = count(5, 50);
const timeoutMilliseconds = patience(60_000);
/** The watchdog first, so that it cannot act any more. */
const both = (server: Server) => {
  signal(watchdogOf(server.pid), "SIGKILL");
  return server.kill9();
};

async function race(server: Server, exclusive: Exclusive): Promise<Answer[]> {
  const connections = Array.from({ length: connectionCount }, () => new KeepAlive(server));
  return Promise.all(
    connections.map(async (connection) => {
      await connection.send(exclusive.request({ stubborn: true }));
      const answer = await connection.head();
      return answer.status === 200 ? answer : connection.whole();
    }),
  );
}

/** Again and again: one of many gets the alias, the server is killed, the next one starts at once. */
async function neverTwice(kill: (server: Server) => Promise<void>): Promise<void> {
  const exclusive = new Exclusive();
  let server = await startServer();
  for (let turn = 0; turn < times; turn += 1) {
    const answers = await race(server, exclusive);
    expect(statuses(answers)).toEqual({ 200: 1, 409: connectionCount - 1 });
    await untilLiving(exclusive.token, 3);
    await kill(server);
    server = await startServer({ dataDir: server.dataDir });
    expect(withToken(exclusive.token)).toEqual([]);
  }
  expect(exclusive.violations()).toBe(0);
}

describe(`R18: ${times} times ${connectionCount} starts, then killed and started again on the same data: never twice`, () => {
  test("the server is killed", () => neverTwice((server) => server.kill9()), timeoutMilliseconds);

  test("its watchdog is killed with it", () => neverTwice(both), timeoutMilliseconds);
});

const lost = {
  state: "lost",
  outcome: { reason: "lost", code: null, signal: null, success: false },
};

describe("after SIGKILL of the server", () => {
  test(
    `the next one starts when all of ${shapes.length} trees are gone, and tells their jobs as lost`,
    async () => {
      const server = await startServer();
      const trees = await startTrees(server, shapes);
      const finished = await run(server, ["true"]);
      // A list writes what waits to be written: from here on the record of the finished one is there.
      expect((await server.request("/v1/jobs?limit=1")).status).toBe(200);
      await server.kill9();
      const again = await startServer({ dataDir: server.dataDir });
      expect(livingOf(trees)).toEqual([]);
      for (const { jobId } of trees) expect(await job(again, jobId, 0)).toMatchObject(lost);
      for (const { connection } of trees) expect(await connection.untilClosed()).not.toBe("open");
      expect(trees.filter(({ connection }) => !connection.answer().cut)).toEqual([]);
      expect((await run(again, ["echo", "x"], { alias: newAlias() })).text).toBe("x\n");
      expect(await job(again, finished.job.id, 0)).toMatchObject(finished.job);
    },
    timeoutMilliseconds,
  );

  test(
    "a job that was started a moment before is known, too",
    async () => {
      for (let turn = 0; turn < times; turn += 1) {
        const server = await startServer();
        const [tree] = await startTrees(server, ["child"]);
        await server.kill9();
        const again = await startServer({ dataDir: server.dataDir });
        expect(await job(again, tree?.jobId ?? "", 0)).toMatchObject(lost);
        await again.kill9();
      }
    },
    timeoutMilliseconds,
  );
});

describe("R17: a data directory has one owner", () => {
  test("a second server is refused and told the pid of the first", async () => {
    const server = await startServer();
    const { code, stderr } = await errand(["serve", "--port", "0", "--data", server.dataDir]);
    expect(code).toBe(69);
    expect(stderr).toMatch(new RegExp(`\\b${server.pid}\\b`));
    expect((await run(server, ["echo", "x"])).text).toBe("x\n");
  });

  test(
    `of ${startsAtOnce} started at once on it after a kill, one wins`,
    async () => {
      const first = await startServer();
      await startTrees(first, ["fork-many"]);
      await first.kill9();
      const starts = Array.from({ length: startsAtOnce }, () =>
        startServer({ dataDir: first.dataDir, greetingTimeoutMilliseconds: patience(10_000) }),
      );
      const results = await Promise.allSettled(starts);
      const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      expect(won).toHaveLength(1);
      const refused = results.flatMap((result) =>
        result.status === "rejected" ? [String(result.reason)] : [],
      );
      for (const reason of refused) expect(reason).toContain(`(exit 69)`);
      for (const reason of refused) expect(reason).toContain(`process number ${won[0]?.pid}`);
      report(
        "R17",
        `${startsAtOnce} at once: ${won.length} won, ${refused.length} refused with 69 and the owner named`,
      );
    },
    timeoutMilliseconds,
  );
});

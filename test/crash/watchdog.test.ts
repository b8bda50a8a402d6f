// The watchdog: while there is one, no tree outlives a server that is killed; one that dies is replaced.
import { afterAll, describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { run } from "../support/jobs.ts";
import { isLiving, sessionOf, signal, statusField } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { millisecondsToEnd, shapes, startTrees } from "./support/trees.ts";
import { findWatchdogs, watchdogOf } from "./support/watchdog.ts";

afterAll(endEverything);

const timeoutMilliseconds = 60_000;
const serverKillMilliseconds = 1_000;

/** Waits until the server has another watchdog than this one. */
function untilReplaced(server: Server, old: number): Promise<number> {
  const other = () => findWatchdogs(server.pid).find((pid) => pid !== old && isLiving(pid));
  return until(other, { describe: "a new watchdog" });
}

/** In its first milliseconds a process has no handlers yet. */
function catches(pid: number, name: NodeJS.Signals): boolean {
  const caught = BigInt(`0x${statusField(pid, "SigCgt") ?? "0"}`);
  return ((caught >> BigInt(constants.signals[name] - 1)) & 1n) === 1n;
}

describe("a watchdog that is killed", () => {
  test(
    "is replaced, and the new one ends all trees of a killed server",
    async () => {
      const server = await startServer();
      const before = await startTrees(server, shapes.slice(0, 6));
      const old = watchdogOf(server.pid);
      signal(old, "SIGKILL");
      const replaced = await untilReplaced(server, old);
      const after = await startTrees(server, ["daemonize-cleared", "ignore-term"]);
      const trees = [...before, ...after];
      const gone = await millisecondsToEnd(trees, () => server.kill9());
      console.log(
        `watchdog ${old} replaced by ${replaced}; ${trees.length} trees gone after ${Math.round(gone)} ms`,
      );
      expect(gone).toBeLessThanOrEqual(serverKillMilliseconds);
      await until(() => !isLiving(replaced), { describe: "the watchdog to end" });
    },
    timeoutMilliseconds,
  );

  test(
    "five times in a row costs no descriptor and no job",
    async () => {
      const server = await startServer({ atRest: true });
      const trees = await startTrees(server, ["child"]);
      const descriptors = server.openDescriptors();
      for (let turn = 0; turn < 5; turn += 1) {
        const old = watchdogOf(server.pid);
        signal(old, "SIGKILL");
        await untilReplaced(server, old);
      }
      await until(() => server.openDescriptors() <= descriptors, {
        describe: () => `at most ${descriptors} descriptors, there are ${server.openDescriptors()}`,
      });
      expect(trees[0]?.connection.answer()).toMatchObject({ complete: false, cut: false });
      expect((await run(server, ["echo", "x"])).text).toBe("x\n");
    },
    timeoutMilliseconds,
  );
});

describe("a watchdog", () => {
  test("ends with its server when that one ends in order, and has a session of its own", async () => {
    const server = await startServer();
    const watchdog = watchdogOf(server.pid);
    expect(sessionOf(watchdog)).toBe(watchdog);
    expect(await server.stop()).toBe(0);
    await until(() => !isLiving(watchdog), { describe: "the watchdog to end" });
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)(
    "does not end by %s, which may be meant for the server",
    async (name) => {
      const server = await startServer();
      const trees = await startTrees(server, ["daemonize-cleared"]);
      const watchdog = watchdogOf(server.pid);
      await until(() => catches(watchdog, name), { describe: `the watchdog to be ready for ${name}` });
      signal(watchdog, name);
      const gone = await millisecondsToEnd(trees, () => server.kill9());
      expect(gone).toBeLessThanOrEqual(serverKillMilliseconds);
    },
    timeoutMilliseconds,
  );
});

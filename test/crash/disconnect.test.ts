// R9: however a client leaves, its command is gone at once; the time is that of commands that obey TERM.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startCommand } from "../support/command.ts";
import { endedJob, specOf } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { millisecondsToEnd, percentile, type Shape, startTrees } from "./support/trees.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** With a hundred, one that the machine has delayed does not decide. */
const timesPerWay = count(25, 125);
const p99Milliseconds = 250;
const obedient: readonly Shape[] = ["child", "background-child", "setsid-cleared", "daemonize-cleared"];

const ways: Record<string, (connection: RawConnection) => void> = {
  FIN: (connection) => connection.close(),
  RST: (connection) => connection.reset(),
  "half-close": (connection) => connection.halfClose(),
};

describe(`R9: 4 ways to leave, ${timesPerWay} times each`, () => {
  const times: number[] = [];

  test.each(Object.keys(ways))(
    "%s",
    async (way) => {
      for (let turn = 0; turn < timesPerWay; turn += 1) {
        const [tree] = await startTrees(server, obedient.slice(turn % obedient.length).slice(0, 1));
        if (tree === undefined) throw new Error("no tree");
        times.push(await millisecondsToEnd([tree], () => ways[way]?.(tree.connection)));
        const { outcome } = await endedJob(server, tree.jobId);
        expect(outcome).toMatchObject({ reason: "disconnected", success: false });
      }
    },
    patience(40_000),
  );

  test(
    "the client's process is killed",
    async () => {
      const authorization = `Authorization: Bearer ${server.token}`;
      const url = `${server.url}/process`;
      for (let turn = 0; turn < timesPerWay; turn += 1) {
        const shape = obedient[turn % obedient.length] ?? "child";
        const token = newToken();
        const body = JSON.stringify(specOf([program(shape), token]));
        const curl = startCommand(["curl", "-sSN", "-H", authorization, "-d", body, url]);
        await untilLiving(token, treeShapes[shape]);
        times.push(await millisecondsToEnd([{ token }], () => curl.kill("SIGKILL")));
        expect((await curl.result).signal).toBe("SIGKILL");
      }
    },
    patience(40_000),
  );

  test(`all of them: 0 left, p99 at most ${p99Milliseconds} ms`, () => {
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)].map(Math.round);
    report("R9", `${times.length} clients left, gone after p50 ${p50} ms, p99 ${p99} ms, 0 processes left`);
    expect(times).toHaveLength(4 * timesPerWay);
    expect(p99).toBeLessThanOrEqual(p99Milliseconds);
  });
});

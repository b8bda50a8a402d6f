// R8: what an ended job has left behind belongs to nobody: no stop, drain or sweep touches it.
import { afterAll, describe, expect, test } from "bun:test";
import { endedJob, newAlias, run, specOf, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { startTrees } from "./support/trees.ts";

afterAll(endEverything);

/** Ways to leave something behind; in the hardest neither parent, group nor environment tell whose it was. */
const kinds = [
  "daemonize-cleared",
  "setsid-cleared",
  "background-child",
  "leave-behind",
  "hold-pipe",
] as const;
const timeoutMilliseconds = 40_000;

interface Leftovers {
  alias: string;
  token: string;
  pids: number[];
}

/** One job after the other under one alias, each of which ends and leaves a process. */
async function leftovers(server: Server): Promise<Leftovers> {
  const [alias, token] = [newAlias(), newToken()];
  for (const kind of kinds) await run(server, [program(kind), token, "end"], { alias });
  return { alias, token, pids: await untilLiving(token, kinds.length) };
}

function untouched({ token, pids }: Leftovers): void {
  expect(withToken(token).sort()).toEqual([...pids].sort());
}

/** A tree under the alias whose processes are then ended, by KILL, too. */
async function treeUnder(server: Server, alias: string, shape: string): Promise<[RawConnection, string]> {
  const token = newToken();
  const connection = await rawProcess(server, specOf([program(shape), token], { alias }));
  await untilLiving(token, 2);
  return [connection, token];
}

describe(`R8: ${kinds.length} leftovers of ended jobs live on when`, () => {
  test.each(["daemonize-cleared", "ignore-term"])(
    "another job of the same alias, %s, is stopped and its client leaves",
    async (shape) => {
      const server = await startServer();
      const left = await leftovers(server);
      const [stopped] = await treeUnder(server, left.alias, shape);
      expect((await stop(server, stopped.jobId, 0.2)).status).toBe(200);
      untouched(left);
      const [abandoned, token] = await treeUnder(server, left.alias, shape);
      abandoned.reset();
      await untilGone(token);
      await endedJob(server, abandoned.jobId);
      await run(server, ["true"], { alias: left.alias });
      untouched(left);
    },
    timeoutMilliseconds,
  );

  test(
    "the server ends by SIGTERM, which stops another job",
    async () => {
      const server = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "0.2" } });
      const left = await leftovers(server);
      const [, token] = await treeUnder(server, left.alias, "daemonize-cleared");
      expect(await server.stop()).toBe(0);
      expect(withToken(token)).toEqual([]);
      untouched(left);
    },
    timeoutMilliseconds,
  );

  test(
    "the server is killed with running jobs, and when the next one starts",
    async () => {
      const server = await startServer();
      const left = await leftovers(server);
      const [, token] = await treeUnder(server, left.alias, "daemonize-cleared");
      await startTrees(server, ["fork-many", "ignore-term"]);
      await server.kill9();
      await untilGone(token);
      untouched(left);
      const again = await startServer({ dataDir: server.dataDir });
      await run(again, ["true"], { alias: left.alias });
      untouched(left);
      await again.kill9();
      const third = await startServer({ dataDir: server.dataDir });
      await run(third, ["true"]);
      untouched(left);
    },
    timeoutMilliseconds,
  );
});

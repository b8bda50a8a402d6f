// R4, R8: servers on one machine never signal each other's processes, however alike their jobs look.
import { afterAll, describe, expect, test } from "bun:test";
import { specOf, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

/** Started at the same time on both servers, many jobs share their millisecond with one of the other server. */
const jobs = 200;
const timeoutMilliseconds = 60_000;

interface Side {
  server: Server;
  token: string;
  connections: RawConnection[];
}

async function twoSides(): Promise<[Side, Side]> {
  const side = async () => ({ server: await startServer(), token: newToken(), connections: [] });
  const sides: [Side, Side] = [await side(), await side()];
  const fill = async ({ server, token, connections }: Side) => {
    const worker = async () => {
      for (let count = 0; count < jobs / 8; count += 1) {
        connections.push(await rawProcess(server, specOf([program("run-for-ever"), token])));
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    await untilLiving(token, jobs);
  };
  await Promise.all(sides.map(fill));
  return sides;
}

function untouched({ token, connections }: Side): void {
  const cut = connections.filter(({ ending }) => ending !== "open");
  expect([withToken(token).length, cut.length]).toEqual([jobs, 0]);
}

describe(`of two servers with ${jobs} jobs each, the jobs of one live on when`, () => {
  test(
    "all jobs of the other are stopped",
    async () => {
      const [one, other] = await twoSides();
      await Promise.all(one.connections.map(({ jobId }) => stop(one.server, jobId, 1)));
      expect(withToken(one.token)).toEqual([]);
      untouched(other);
    },
    timeoutMilliseconds,
  );

  test(
    "the other is killed",
    async () => {
      const [one, other] = await twoSides();
      await one.server.kill9();
      await untilGone(one.token);
      untouched(other);
    },
    timeoutMilliseconds,
  );
});

// Starts that are refused at a limit: 429 with a time to try again, and the server goes on and works again afterwards.
import { afterAll, describe, expect, test } from "bun:test";
import { endedJob, run, specOf } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { errorOfAnswer } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { mayRunAs, nobody } from "./support/unprivileged.ts";

afterAll(endEverything);

const timeoutMilliseconds = 40_000;
/** More starts than this before the first refusal would be a limit that does not hold. */
const mostStarts = 150;

interface Full {
  running: RawConnection[];
  token: string;
}

/** Starts commands until one is refused; that answer must be the contract's. */
async function fill(server: Server): Promise<Full> {
  const token = newToken();
  const running: RawConnection[] = [];
  for (;;) {
    const connection = await rawProcess(server, specOf([program("run-for-ever"), token]));
    if (connection.answer().status === 200) {
      running.push(connection);
      if (running.length > mostStarts) throw new Error("no start was refused");
      continue;
    }
    const answer = await connection.untilAnswered();
    const error = errorOfAnswer(answer);
    expect(error).toMatchObject({ status: 429, code: "TooManyJobs", type: "text/plain" });
    expect(Number(error.retryAfter)).toBeGreaterThan(0);
    connection.close();
    return { running, token };
  }
}

/** What a server that is full must still do. */
async function goesOn(server: Server, { running, token }: Full): Promise<void> {
  expect((await server.request("/healthz")).status).toBe(200);
  expect((await server.request("/v1/jobs?limit=1")).status).toBe(200);
  await untilLiving(token, running.length);
  expect(running.filter((connection) => connection.ending !== "open")).toEqual([]);
}

/** After the others have ended, a start is granted again. */
async function worksAgain(server: Server, { running, token }: Full): Promise<void> {
  for (const connection of running) connection.close();
  await untilGone(token);
  for (const { jobId } of running) await endedJob(server, jobId);
  const granted = async () => {
    const connection = await rawProcess(server, specOf(["echo", "again"]));
    const answer = await connection.untilAnswered();
    connection.close();
    return answer.status === 200 && answer.body.toString() === "again\n";
  };
  await until(granted, { describe: "a start to be granted again" });
  for (let turn = 0; turn < 5; turn += 1) expect((await run(server, ["echo", "x"])).text).toBe("x\n");
}

/** Full, refused, emptied; twice, so that nothing is lost by the first time. */
async function survives(server: Server): Promise<number[]> {
  const counts: number[] = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const full = await fill(server);
    await goesOn(server, full);
    await worksAgain(server, full);
    counts.push(full.running.length);
  }
  return counts;
}

describe("a start is refused with 429 and Retry-After", () => {
  test(
    "when too many jobs are running",
    async () => {
      const server = await startServer({ env: { ERRAND_LIMITS_MAX_RUNNING_JOBS: "5" } });
      expect(await survives(server)).toEqual([5, 5]);
    },
    timeoutMilliseconds,
  );

  test(
    "when descriptors are nearly used up by commands",
    async () => {
      const server = await startServer({ prefix: ["prlimit", "--nofile=200:200"] });
      const [first = 0, second = 0] = await survives(server);
      console.log(`200 descriptors: ${first} and ${second} commands at once`);
      // 64 stay free, the server itself has some 35, and a command takes five or six with its connection.
      expect(first).toBeGreaterThanOrEqual(15);
      expect(second).toBeGreaterThanOrEqual(first - 1);
    },
    timeoutMilliseconds,
  );

  test(
    "when descriptors are nearly used up by connections",
    async () => {
      const server = await startServer({ prefix: ["prlimit", "--nofile=200:200"] });
      const idle = await Promise.all(Array.from({ length: 115 }, () => rawConnection(server)));
      const full = await fill(server);
      await goesOn(server, full);
      for (const connection of idle) connection.close();
      await worksAgain(server, full);
    },
    timeoutMilliseconds,
  );

  const user = nobody();
  const reason = user === undefined ? "only root can become another user" : mayRunAs(user);
  test.skipIf(reason !== undefined)(
    `when the user's limit of processes is nearly reached${reason === undefined ? "" : ` (not tested: ${reason})`}`,
    async () => {
      if (user === undefined) throw new Error("no user");
      const limit = user.tasks() + 100;
      const server = await startServer({
        prefix: ["prlimit", `--nproc=${limit}:${limit}`, ...user.become],
        owner: user,
      });
      const [first = 0, second = 0] = await survives(server);
      console.log(`${limit} processes: ${first} and ${second} commands at once`);
      expect(first).toBeGreaterThan(10);
      expect(second).toBeGreaterThan(10);
    },
    timeoutMilliseconds,
  );
});

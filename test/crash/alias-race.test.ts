// R18: an alias runs once at a time, however many race for it; a lock that the kernel keeps is the witness.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Answer } from "../support/answer.ts";
import { endedJob, stop } from "../support/jobs.ts";
import { withToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { Exclusive, statuses } from "./support/exclusive.ts";
import { runsOf } from "./support/history.ts";
import { KeepAlive, overConnections } from "./support/keep-alive.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const connectionCount = 50;
const rounds = count(20, 100);
const total = count(2_000, 10_000);

interface Holder {
  connection: KeepAlive;
  answer: Answer;
}

/** All connections ask at once; gives the one that got the alias. */
async function race(connections: readonly KeepAlive[], exclusive: Exclusive): Promise<Holder> {
  const heads = connections.map(async (connection) => {
    await connection.send(exclusive.request());
    const answer = await connection.head();
    return { connection, answer: answer.status === 200 ? answer : await connection.whole() };
  });
  const answers = await Promise.all(heads);
  expect(statuses(answers.map(({ answer }) => answer))).toEqual({ 200: 1, 409: connectionCount - 1 });
  const refused = answers.filter(({ answer }) => answer.status === 409);
  const words = new Set(refused.map(({ answer }) => answer.body.toString()));
  expect([...words]).toEqual([`[Rexec] AlreadyRunning : "${exclusive.alias}"`]);
  const holder = answers.find(({ answer }) => answer.status === 200);
  if (holder === undefined) throw new Error("nobody got the alias");
  return holder;
}

type End = (holder: Holder, exclusive: Exclusive) => Promise<void>;
const idOf = ({ answer }: Holder) => answer.headers["errand-job-id"] ?? "";

const ends: Record<string, End> = {
  "a normal end": async ({ connection }, exclusive) => {
    exclusive.open();
    expect(await connection.whole()).toMatchObject({ complete: true, cut: false });
    exclusive.close();
  },
  "a stop": async (holder) => {
    expect((await stop(server, idOf(holder), 1)).status).toBe(200);
    expect((await holder.connection.whole()).cut).toBe(true);
  },
  "its client's leaving": async (holder) => {
    holder.connection.close();
    await endedJob(server, idOf(holder));
  },
  "a start that failed": async (holder, exclusive) => {
    await ends["a normal end"]?.(holder, exclusive);
    expect((await holder.connection.request(exclusive.failingRequest())).status).toBe(404);
  },
};

test(
  `R18: ${rounds * connectionCount} starts, ${connectionCount} at once: one 200 each time, and free again after each kind of end`,
  async () => {
    const exclusive = new Exclusive();
    const connections = Array.from({ length: connectionCount }, () => new KeepAlive(server));
    const names = Object.keys(ends);
    for (let round = 0; round < rounds; round += 1) {
      const holder = await race(connections, exclusive);
      await ends[names[round % names.length] ?? ""]?.(holder, exclusive);
      expect(withToken(exclusive.token)).toEqual([]);
    }
    expect(exclusive.violations()).toBe(0);
  },
  patience(60_000),
);

describe("R18: free for all", () => {
  test(
    `${total} starts over ${connectionCount} connections: never two at once`,
    async () => {
      const exclusive = new Exclusive();
      exclusive.open();
      const answers: Answer[] = [];
      await overConnections(server, { connections: connectionCount, total }, async (connection) => {
        answers.push(await connection.request(exclusive.request()));
      });
      const counts = statuses(answers);
      const granted = answers.filter(({ status }) => status === 200);
      const runs = await runsOf(server, exclusive.alias);
      report("R18", `${total} racing starts: ${JSON.stringify(counts)}, ${exclusive.violations()} at once`);
      expect(Object.keys(counts)).toEqual(["200", "409"]);
      expect(granted.filter(({ body, complete }) => body.toString() !== "held\n" || !complete)).toEqual([]);
      expect(exclusive.violations()).toBe(0);
      expect(runs).toHaveLength(granted.length);
      const overlapping = runs.filter(({ startedAt }, index) => startedAt < (runs[index - 1]?.endedAt ?? 0));
      expect(overlapping).toEqual([]);
    },
    patience(60_000),
  );

  test("the witness sees two at once when they have different aliases", async () => {
    const exclusive = new Exclusive();
    const [first, second] = [new KeepAlive(server), new KeepAlive(server)];
    await first.send(exclusive.request());
    await first.head();
    const other = JSON.stringify({ ...JSON.parse(String(exclusive.request().body)), alias: "another" });
    const answer = await second.request({ ...exclusive.request(), body: other });
    expect([answer.status, answer.body.toString(), exclusive.violations()]).toEqual([200, "", 1]);
    exclusive.open();
    await first.whole();
  });
});

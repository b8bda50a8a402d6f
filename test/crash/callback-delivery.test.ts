// R14: a server that is killed between the end of a job and the delivery of its callback: the next one delivers it.
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answering, Receiver } from "../support/callback-receiver.ts";
import { loopbackCallbacks, startCalling, untilState, verified } from "../support/callbacks.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob } from "../support/jobs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

afterAll(endEverything);

const kills = count(20, 200);
const timeoutMilliseconds = patience(120_000);
const config = loopbackCallbacks(Array.from({ length: 9 }, () => 0.3));
const files = temporaryDirectory("ended");

interface Round {
  server: Server;
  /** Takes callbacks, unless the round makes it refuse. */
  receiver: Receiver;
  /** The last thing that the job's command makes. */
  file: string;
}

const start = ({ server, file }: Round, url: string) =>
  startCalling(server, url, { command: ["touch", file], events: ["job.started", "job.ended"] });
const told = (receiver: Receiver, id: string) =>
  receiver.received.filter(({ body }) => body.includes(`"${id}"`));

/** Each starts a job, brings the server to a moment before the delivery, and gives the job and its receiver. */
const moments: Readonly<Record<string, (round: Round) => Promise<[string, Receiver]>>> = {
  "the command has just ended": async (round) => {
    const id = await start(round, round.receiver.url());
    await until(() => existsSync(round.file));
    return [id, round.receiver];
  },
  "the receiver has it and has not answered": async (round) => {
    const { receiver, server } = round;
    receiver.behaviour = (response, received) => {
      if (received.body.includes('"job.started"')) answering(204)(response, received, 0);
    };
    const id = await start(round, receiver.url());
    await endedJob(server, id);
    await until(() => told(receiver, id).length >= 2, { describe: "the callback of the end" });
    return [id, receiver];
  },
  "the receiver has refused it once": async (round) => {
    const { receiver, server } = round;
    receiver.behaviour = answering(500);
    const id = await start(round, receiver.url());
    await endedJob(server, id);
    await until(() => told(receiver, id).length >= 1, { describe: "the first try" });
    return [id, receiver];
  },
  "the receiver is not there": async (round) => {
    const gone = await Receiver.start();
    const { port } = gone;
    const url = gone.url();
    await gone.stop();
    const id = await start(round, url);
    await endedJob(round.server, id);
    return [id, await Receiver.start(answering(204), { port })];
  },
};

test(
  `${kills} kills between the end and the delivery: all are delivered, each under one id, in their order`,
  async () => {
    const receiver = await Receiver.start();
    let server = await startServer({ config });
    const names = Object.keys(moments);
    for (let turn = 0; turn < kills; turn += 1) {
      const name = names[turn % names.length] ?? "";
      receiver.behaviour = answering(204);
      const round = { server, receiver, file: join(files, String(turn)) };
      const [id, from] = (await moments[name]?.(round)) ?? ["", receiver];
      await server.kill9();
      receiver.behaviour = answering(204);
      server = await startServer({ config, dataDir: server.dataDir });
      const deliveries = await untilState(server, id, "delivered", { count: 2 });
      const received = told(from, id);
      expect([name, deliveries.map(({ event }) => event)]).toEqual([name, ["job.started", "job.ended"]]);
      expect([...new Set(received.map((one) => one.id))]).toEqual(deliveries.map((one) => one.id));
      expect(verified(server, received.at(-1) ?? fail())).toMatchObject({ type: "job.ended", job: { id } });
    }
    report("R14", `${kills} kills between an end and its delivery: ${kills} delivered, each under one id`);
  },
  timeoutMilliseconds,
);

function fail(): never {
  throw new Error("nothing came");
}

// R1: surviving jobs do not notice that their server is killed: their output has no hole, and their codes are true.
import { afterAll, expect, test } from "bun:test";
import { newToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";
import { look } from "./support/background.ts";
import { replace, survivor } from "./support/surviving.ts";
import { Writer } from "./support/writers.ts";

afterAll(endEverything);

const kills = count(10, 200);
const jobsAtOnce = 20;
/** Some 200 take a second. */
const mostLines = 400;
const mostMillisecondsToKill = 300;

test(
  `R1: ${kills} kills at random moments, ${jobsAtOnce} jobs each: all end, all bytes`,
  async () => {
    const token = newToken();
    let server = await startServer();
    const all: Writer[] = [];
    let running: Writer[] = [];
    const fresh = async () => {
      const writer = new Writer(mostLines);
      writer.id = (await survivor(server, writer.spec(token))).id;
      return writer;
    };
    for (let kill = 0; kill < kills; kill += 1) {
      const missing = Array.from({ length: jobsAtOnce - running.length }, fresh);
      const started = await Promise.all(missing);
      all.push(...started);
      running.push(...started);
      await Bun.sleep(Math.random() * mostMillisecondsToKill);
      server = await replace(server);
      const states = await Promise.all(running.map(({ id }) => look(server, id)));
      const stray = states.filter(({ state }) => state !== "running" && state !== "ended");
      expect(stray.map(({ id, state, outcome }) => ({ id, state, outcome }))).toEqual([]);
      const over = running.filter((_, index) => states[index]?.state === "ended");
      running = running.filter((writer) => !over.includes(writer));
      for (const writer of over) await writer.expectWhole(server);
    }
    await Promise.all(running.map((writer) => writer.expectWhole(server)));
    report("R1", `${kills} kills, ${all.length} jobs: all ended, all bytes, all codes true`);
  },
  patience(60_000),
);

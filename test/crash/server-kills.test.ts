// R1: surviving jobs do not notice that their server is killed: their output has no hole, and their codes are true.
import { afterAll, expect, test } from "bun:test";
import { newToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { ended, look, outputText } from "./support/background.ts";
import { crashProgram } from "./support/programs.ts";
import { replace, survivor } from "./support/surviving.ts";

afterAll(endEverything);

const kills = count(10, 200);
const jobsAtOnce = 20;
const mostLines = 600;
const mostMillisecondsToKill = 300;

interface Writer {
  readonly id: string;
  readonly lines: number;
  readonly code: number;
}

async function startWriter(server: Server, token: string): Promise<Writer> {
  const lines = 100 + Math.floor(Math.random() * (mostLines - 100));
  const code = lines % 256;
  const command = [crashProgram("two-streams"), token, String(lines), String(code)];
  return { ...(await survivor(server, { command })), lines, code };
}

const numbered = (word: string, lines: number) =>
  Array.from({ length: lines }, (_, line) => `${word} ${line}\n`).join("");

async function expectWhole(server: Server, { id, lines, code }: Writer): Promise<void> {
  const job = await ended(server, id, 30);
  expect(job).toMatchObject({ state: "ended", outcome: { reason: "exited", code, signal: null } });
  expect(await outputText(server, id, "stdout")).toBe(numbered("out", lines));
  expect(await outputText(server, id, "stderr")).toBe(numbered("err", lines));
}

test(
  `R1: ${kills} kills at random moments, ${jobsAtOnce} jobs each: all end, all bytes`,
  async () => {
    const token = newToken();
    let server = await startServer();
    const all: Writer[] = [];
    let running: Writer[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const missing = Array.from({ length: jobsAtOnce - running.length }, () => startWriter(server, token));
      const fresh = await Promise.all(missing);
      all.push(...fresh);
      running.push(...fresh);
      await Bun.sleep(Math.random() * mostMillisecondsToKill);
      server = await replace(server);
      const states = await Promise.all(running.map(({ id }) => look(server, id)));
      const stray = states.filter(({ state }) => state !== "running" && state !== "ended");
      expect(stray).toEqual([]);
      const over = running.filter((_, index) => states[index]?.state === "ended");
      running = running.filter((writer) => !over.includes(writer));
      for (const writer of over) await expectWhole(server, writer);
    }
    await Promise.all(running.map((writer) => expectWhole(server, writer)));
    report("R1", `${kills} kills, ${all.length} jobs, ${all.length} ended with all bytes and true codes`);
  },
  patience(60_000),
);

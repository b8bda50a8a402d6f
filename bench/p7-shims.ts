import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { rate, startJob, stopJobs, waitForEnd } from "./background.ts";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { scratch } from "./processes.ts";
import { limitGoal, type Measure, type Row, ratioGoal } from "./report.ts";
import { inTurns, median, type Subject } from "./statistics.ts";

const startsOfShims = 20;
const jobsAtOnce = 40;
const settleMilliseconds = 2_000;
const clients = 8;
const jobsForRate = 400;
const longJobsForRate = 120;

/** P7: what a surviving job costs. */
export async function measureShims(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const errand = await startErrand(plan.launcher);
  const command = await shimCommand(errand);
  const memory = await ownMemory(errand);
  const kept: string[] = [];
  const subjects: Subject[] = [
    { id: "start", name: "a shim: start to its first word, ms", measure: () => startOfShim(command) },
    { id: "short", name: "starts/s of `true`, surviving", measure: () => rateOfShort(errand, true) },
    { id: "plain", name: "starts/s of `true`, not surviving", measure: () => rateOfShort(errand, false) },
    {
      id: "long",
      name: "starts/s of `sleep 600`, surviving: each needs a shim of its own",
      async measure() {
        const value = await rate(clients, longJobsForRate, async () => {
          kept.push(await startJob(errand, { command: ["sleep", "600"] }));
        });
        await stopJobs(errand, kept.splice(0));
        return value;
      },
    },
  ];
  const values = await inTurns(subjects, plan.rounds, tell);
  await errand.program.stop();
  const of = (id: string) => values.get(id) ?? [];
  return {
    id: "P7",
    title: "shims",
    unit: "see the name",
    rows: [...subjects.map(({ id, name }): Row => ({ name, values: of(id) })), memoryRow(memory)],
    goals: [
      limitGoal("start of a shim ≤ 20 ms", median(of("start")), 20, "ms"),
      limitGoal("private memory of a shim ≤ 4 MB", median(memory), 4, "MB"),
      ratioGoal("goal", "surviving starts/s of short commands over 100/s", median(of("short")) / 100, 1),
      ratioGoal("goal", "surviving starts/s of long commands over 100/s", median(of("long")) / 100, 1),
    ],
    remarks: [
      `${clients} clients over HTTP; each start is acknowledged when the program has been executed.`,
      `Private memory (clean and dirty) of each of ${jobsAtOnce} shims that supervise \`sleep\`.`,
      "A shim whose job has ended takes the next one, so that short commands need few shims.",
    ],
  };
}

const memoryRow = (values: readonly number[]): Row => ({ name: "private memory of a shim, MB", values });

async function rateOfShort(errand: Errand, survive: boolean): Promise<number> {
  let last = "";
  const value = await rate(clients, jobsForRate, async () => {
    last = await startJob(errand, { command: ["true"], survive });
  });
  await waitForEnd(errand, last);
  return value;
}

/** How the server starts a shim, once it has made the file for that. */
async function shimCommand(errand: Errand): Promise<string[]> {
  const script = join(errand.data, "shim.js");
  while (!existsSync(script)) await waitForEnd(errand, await startJob(errand, { command: ["true"] }));
  const runtime = readlinkSync(`/proc/${errand.program.pid}/exe`);
  return [runtime, "--config=/dev/null", "--no-env-file", script];
}

/** From the start of the process to what it says first. */
async function startOfShim(command: readonly string[]): Promise<number> {
  const times: number[] = [];
  const socket = join(scratch(), "first-word.sock");
  let heard = () => {};
  const listener = Bun.listen({ unix: socket, socket: { data: () => heard() } });
  for (let turn = 0; turn < startsOfShims; turn += 1) {
    const word = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const begin = performance.now();
    const shim = Bun.spawn([...command, socket], { env: {}, stdio: ["ignore", "ignore", "ignore"] });
    await word;
    times.push(performance.now() - begin);
    shim.kill("SIGKILL");
    await shim.exited;
  }
  listener.stop(true);
  return median(times);
}

async function ownMemory(errand: Errand): Promise<number[]> {
  const ids: string[] = [];
  for (let count = 0; count < jobsAtOnce; count += 1)
    ids.push(await startJob(errand, { command: ["sleep", "600"] }));
  await Bun.sleep(settleMilliseconds);
  const socket = `${join(errand.data, "shims.sock")}\0`;
  const own = readdirSync("/proc").flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(socket)) return [];
      return [privateMegabytes(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))];
    } catch {
      return [];
    }
  });
  await stopJobs(errand, ids);
  return own;
}

function privateMegabytes(rollup: string): number {
  const kilobytes = (field: string) =>
    Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0);
  return (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1_024;
}

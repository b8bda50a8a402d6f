import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { startJob, waitForEnd } from "./background.ts";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { scratch } from "./processes.ts";
import { limitGoal, type Measure, type Row } from "./report.ts";
import { inTurns, median, type Subject } from "./statistics.ts";

const tries = 100;
const pauseMilliseconds = 10;
/** What a `spec.json` has, about. */
const syncedBytes = 800;

/** P12: how long it takes until the start of a background job is acknowledged. */
export async function measureAcknowledged(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const errand = await startErrand(plan.launcher);
  const subjects: Subject[] = [
    { id: "sync", name: "one fsync of a new file", measure: async () => fsyncMilliseconds() },
    { id: "plain", name: "not surviving", measure: () => acknowledged(errand, false) },
    { id: "surviving", name: "surviving", measure: () => acknowledged(errand, true) },
  ];
  const values = await inTurns(subjects, plan.rounds, tell);
  await errand.program.stop();
  const of = (id: string) => values.get(id) ?? [];
  const beyondSync = (id: string) => median(of(id).map((value, round) => value - (of("sync")[round] ?? 0)));
  return {
    id: "P12",
    title: "until the start of a background job is acknowledged: durable and executed",
    unit: "ms, p50",
    rows: subjects.map(({ id, name }): Row => ({ name, values: of(id) })),
    goals: [
      limitGoal("not surviving ≤ one fsync + 2 ms: beyond the fsync", beyondSync("plain"), 2, "ms"),
      limitGoal("surviving ≤ that + the start of a shim (20 ms)", beyondSync("surviving"), 22, "ms"),
    ],
    remarks: [
      `\`true\`, one client, a start every few milliseconds: the median of ${tries} in each round. A shim is ready at each, as it is whenever starts do not come faster than shims.`,
    ],
  };
}

async function acknowledged(errand: Errand, survive: boolean): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < tries; turn += 1) {
    const begin = performance.now();
    const id = await startJob(errand, { command: ["true"], survive });
    times.push(performance.now() - begin);
    // What the history writes at the end is not to be in the next one's fsync.
    await waitForEnd(errand, id);
    await Bun.sleep(pauseMilliseconds);
  }
  return median(times);
}

function fsyncMilliseconds(): number {
  const times: number[] = [];
  const text = "x".repeat(syncedBytes);
  for (let turn = 0; turn < tries; turn += 1) {
    const path = join(scratch(), "synced");
    const begin = performance.now();
    const file = openSync(path, "wx");
    writeSync(file, text);
    fsyncSync(file);
    times.push(performance.now() - begin);
    closeSync(file);
    rmSync(path);
  }
  return median(times);
}

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine, untilCalm } from "./machine.ts";
import { measureCommands } from "./p1-commands.ts";
import { measureThroughput } from "./p3-throughput.ts";
import { measureMemory } from "./p4-memory.ts";
import { measureDisconnect } from "./p6-disconnect.ts";
import { measureShims } from "./p7-shims.ts";
import { measureStart } from "./p8-start.ts";
import { measureReplay } from "./p10-replay.ts";
import { measureLists } from "./p11-lists.ts";
import { measureAcknowledged } from "./p12-acknowledged.ts";
import { measureIds, type Plan, readPlan, usage } from "./plan.ts";
import { stopAll } from "./processes.ts";
import { type Measure, markdown } from "./report.ts";

const measures: Record<(typeof measureIds)[number], typeof measureCommands> = {
  P1: measureCommands,
  P3: measureThroughput,
  P6: measureDisconnect,
  P7: measureShims,
  P8: measureStart,
  P10: measureReplay,
  P11: measureLists,
  P12: measureAcknowledged,
  P4: measureMemory,
};

/** Waiting for a calm machine, over all measures. */
const calmPatienceSeconds = 60;

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs the measures one after the other; whatever they have started is ended after each. */
async function bench(plan: Plan): Promise<void> {
  const begin = performance.now();
  const machine = await describeMachine();
  const shares: string[] = [];
  let patience = calmPatienceSeconds;
  const results: Measure[] = [];
  for (const id of measureIds.filter((name) => plan.only.length === 0 || plan.only.includes(name))) {
    const waitBegin = performance.now();
    const share = await untilCalm(patience);
    patience -= (performance.now() - waitBegin) / 1_000;
    shares.push(`${id} ${Math.round(share * 100)} %`);
    tell(`${id} (${Math.round((performance.now() - begin) / 1_000)} s)`);
    try {
      results.push(await measures[id](plan, tell));
    } finally {
      await stopAll();
    }
  }
  const seconds = Math.round((performance.now() - begin) / 1_000);
  const how = `${plan.rounds} rounds, ${plan.seconds} s for each run of the load generator; ${seconds} s in all`;
  const others = `Used by other programs right before each measure: ${shares.join(", ")} of the cores`;
  const report = markdown([...machine, others, how], results);
  process.stdout.write(report);
  if (plan.only.length > 0) return tell("results.md is left as it is: not all measures were run.");
  writeFileSync(join(import.meta.dir, "results.md"), report);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stopAll().finally(() => process.exit(130)));
}

let plan: Plan | "help";
try {
  plan = readPlan(process.argv.slice(2));
} catch (error) {
  tell(`bench: ${error instanceof Error ? error.message : error}\n${usage}`);
  process.exit(64);
}
if (plan === "help") {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
try {
  await bench(plan);
} catch (error) {
  tell(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

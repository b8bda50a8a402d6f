import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { rate, startJob } from "./background.ts";
import { startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { scratch, start } from "./processes.ts";
import { limitGoal, type Measure, type Row } from "./report.ts";
import { inTurns, median, type Subject } from "./statistics.ts";

const oldJobs = 1_000;
const clients = 8;
const triesEach = 5;
const patienceMilliseconds = 20_000;

/** P8: from the start of the server to its first answer. */
export async function measureStart(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const filled = await startErrand(plan.launcher);
  await rate(clients, oldJobs, () => startJob(filled, { shell: "echo out; echo err >&2", survive: false }));
  await filled.program.stop();
  const empty = join(scratch(), "never-used");
  mkdirSync(empty, { mode: 0o700 });
  const launcher = plan.launcher ?? join(import.meta.dir, "..", "bin", "errand");
  const subjects: Subject[] = [
    { id: "empty", name: "an empty data directory", measure: () => firstAnswer(launcher, empty) },
    {
      id: "filled",
      name: `${oldJobs.toLocaleString("en")} old jobs with their files`,
      measure: () => firstAnswer(launcher, filled.data),
    },
  ];
  const values = await inTurns(subjects, plan.rounds, tell);
  const of = (id: string) => values.get(id) ?? [];
  return {
    id: "P8",
    title: "from the start of the server to its first answer",
    unit: "ms",
    rows: subjects.map(({ id, name }): Row => ({ name, values: of(id) })),
    goals: [
      limitGoal("with an empty data directory ≤ 80 ms", median(of("empty")), 80, "ms"),
      limitGoal(`with ${oldJobs} old jobs ≤ 250 ms`, median(of("filled")), 250, "ms"),
    ],
    remarks: [`GET /healthz is tried until it is answered; the median of ${triesEach} starts in each round.`],
  };
}

async function firstAnswer(launcher: string, data: string): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < triesEach; turn += 1) {
    const port = await freePort();
    const begin = performance.now();
    const program = start([launcher, "serve", "--port", String(port), "--data", data]);
    while (!(await answers(port))) {
      if (performance.now() - begin > patienceMilliseconds) throw new Error("the server does not answer");
      await Bun.sleep(1);
    }
    times.push(performance.now() - begin);
    await program.stop();
  }
  return median(times);
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

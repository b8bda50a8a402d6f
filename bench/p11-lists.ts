import { Database } from "bun:sqlite";
import { join } from "node:path";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { limitGoal, type Measure, type Row } from "./report.ts";
import { inTurns, median, type Subject } from "./statistics.ts";

const jobCounts = [100_000, 1_000_000] as const;
const tries = 20;
const mostMilliseconds = 5;
/** One in so many has the rare state, alias and label. */
const rareEvery = 20_000;
/** Between two jobs. */
const apartMilliseconds = 500;
/** Bits of an id behind its time. */
const bitsBehindTime = 22n;

/** P11: the newest 50 of all jobs on record, at any page and with each filter. */
export async function measureLists(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const rows: Row[] = [];
  const goals = [];
  for (const count of jobCounts) {
    const data = await filled(plan, count);
    tell(`  ${count.toLocaleString("en")} jobs are on record`);
    const errand = await startErrand(plan.launcher, { data });
    const found = new Map<string, number>();
    const subjects = await subjectsFor(errand, { count, found });
    const values = await inTurns(subjects, plan.rounds, () => {});
    await errand.program.stop();
    const own = subjects.map(({ id, name }): Row => {
      const extra = `${found.get(id)}`;
      return { name, values: values.get(id) ?? [], extra };
    });
    rows.push(...own);
    const slowest = Math.max(...own.map((row) => median(row.values)));
    const text = `the slowest of these among ${count.toLocaleString("en")} jobs ≤ ${mostMilliseconds} ms`;
    goals.push(limitGoal(text, slowest, mostMilliseconds, "ms"));
  }
  return {
    id: "P11",
    title: "lists of 50 jobs, newest first",
    unit: "ms",
    extra: "jobs in it",
    rows,
    goals,
    remarks: [
      `Whole answers of GET /v1/jobs over one connection, the median of ${tries} in each round.`,
      `Rare: one job in ${rareEvery.toLocaleString("en")} has it, the newest 50 of which are far apart. Most jobs have ended, have the common label, and no alias.`,
    ],
  };
}

/** A data directory with so many jobs on record, made of one that was really run. */
async function filled({ launcher }: Plan, count: number): Promise<string> {
  const errand = await startErrand(launcher);
  const headers = { Authorization: `Bearer ${errand.token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ command: ["true"], labels: { team: "web" } });
  await (await fetch(`${errand.url}/v1/jobs?wait=10`, { method: "POST", headers, body })).text();
  await errand.program.stop();
  const database = new Database(join(errand.data, "errand.db"));
  database.run("PRAGMA synchronous = OFF");
  const rare = `number % ${rareEvery} = 0`;
  // The newest is as old as the one that was run; all of them have files of no bytes.
  database.run(`
    INSERT INTO jobs (id, state, alias, node, record, expires_at, stored_bytes)
    WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ${count}),
      model AS (SELECT * FROM jobs LIMIT 1),
      made AS (
        SELECT number, model.*, model.id - number * (${apartMilliseconds} << ${bitsBehindTime}) AS new_id FROM numbers, model
      )
    SELECT new_id, iif(${rare}, 'failed', state), iif(${rare}, 'rare', NULL), iif(${rare}, 'gone', node),
      json_set(record, '$.id', CAST(new_id AS TEXT), '$.state', iif(${rare}, 'failed', state), '$.failure', 'why',
        '$.labels', json_object('team', 'web', iif(${rare}, 'rare', 'number'), iif(${rare}, 'yes', CAST(number AS TEXT)))),
      expires_at, 0
    FROM made`);
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return errand.data;
}

interface Amount {
  readonly count: number;
  /** Is told how many jobs each of them finds. */
  readonly found: Map<string, number>;
}

async function subjectsFor(errand: Errand, { count, found }: Amount): Promise<Subject[]> {
  const all = await page(errand, "");
  const newest = BigInt(all.jobs[0]?.id ?? 0);
  const at = (place: number) => String(newest - (BigInt(place * apartMilliseconds) << bitsBehindTime));
  const since = (place: number) => {
    const epoch = Date.parse(all.jobs[0]?.createdAt ?? "");
    return encodeURIComponent(new Date(epoch - place * apartMilliseconds).toISOString());
  };
  const { node = "" } = all.jobs[0] ?? {};
  const queries: Readonly<Record<string, string>> = {
    "first page": "",
    "page in the middle": `cursor=${at(count / 2)}`,
    "last page": `cursor=${at(count - 30)}`,
    "state=ended": "state=ended",
    "state=ended, in the middle": `state=ended&cursor=${at(count / 2)}`,
    "state=failed (rare)": "state=failed",
    "state=running (none)": "state=running",
    "all states": "state=queued,starting,running,ended,failed,detached,lost",
    "all states, in the middle": `state=queued,starting,running,ended,failed,detached,lost&cursor=${at(count / 2)}`,
    "alias (rare)": "alias=rare",
    "alias (none)": "alias=none",
    "label name": "label=team",
    "label name and value": "label=team%3Dweb",
    "label, in the middle": `label=team%3Dweb&cursor=${at(count / 2)}`,
    "label (rare)": "label=rare%3Dyes",
    "label (one job)": `label=number%3D${count - 1}`,
    "label (none)": "label=none",
    "node of all": `node=${node}`,
    "node (rare)": "node=gone",
    "node (none)": "node=none",
    "since, all": `since=${since(count)}`,
    "since, in the middle": `since=${since(count / 2)}&cursor=${at(count / 2 - 100)}`,
  };
  const many = count.toLocaleString("en");
  return Object.entries(queries).map(([name, query]) => ({
    id: name,
    name: `${many} jobs: ${name}`,
    async measure() {
      const times: number[] = [];
      for (let turn = 0; turn < tries; turn += 1) {
        const begin = performance.now();
        found.set(name, (await page(errand, query)).jobs.length);
        times.push(performance.now() - begin);
      }
      return median(times);
    },
  }));
}

interface Page {
  readonly jobs: readonly { readonly id: string; readonly createdAt: string; readonly node: string }[];
}

async function page({ url, token }: Errand, query: string): Promise<Page> {
  const answer = await fetch(`${url}/v1/jobs?${query}`, { headers: { Authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new Error(`${query}: ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Page;
}

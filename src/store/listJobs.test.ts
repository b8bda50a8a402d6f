import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { array, assert, constantFrom, integer, option, property, record } from "fast-check";
import { idsOf, StoreBench } from "../../test/contract/support/stores.ts";
import { firstIdAt, idTime } from "../core/ids.ts";
import type { Job, JobState } from "../core/job.ts";
import type { JobQuery } from "../core/ports.ts";
import { listJobs } from "./listJobs.ts";

let bench: StoreBench;
beforeEach(() => {
  bench = new StoreBench();
});
afterEach(() => bench.end());

const stateNames = ["starting", "running", "ended", "failed"] as const;
const aliases = [null, "a", "b"];
const nodes = ["here", "there"];
const names = ["team", "tier"];
const values = ["web", "db", ""];

/** Jobs of every kind, some time apart. */
function makeJobs(count: number): Job[] {
  return Array.from({ length: count }, (_, index) => {
    bench.now += (index * 7) % 3;
    const alias = aliases[index % 3] ?? null;
    const made = [bench.starting(alias), bench.running(alias), bench.ended(alias), bench.failed(alias)];
    const labels = Object.fromEntries(
      names.flatMap((name, place) => {
        const value = values[(index >> place) % 4];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    return { ...(made[(index * 5) % 4] as Job), labels, node: nodes[index % 7 === 0 ? 1 : 0] ?? "" };
  });
}

function isAskedFor(job: Job, query: JobQuery): boolean {
  const { states, alias, label, node, since, before } = query;
  const found = label === undefined ? undefined : job.labels[label.name];
  return (
    (states === undefined || states.includes(job.state)) &&
    (alias === undefined || job.alias === alias) &&
    (label === undefined || (found !== undefined && (label.value === null || label.value === found))) &&
    (node === undefined || job.node === node) &&
    (since === undefined || BigInt(job.id) >= BigInt(firstIdAt(since))) &&
    (before === undefined || BigInt(job.id) < BigInt(before))
  );
}

const states = array(constantFrom<JobState>(...stateNames, "lost", "queued"), { minLength: 1, maxLength: 4 });

describe("a list", () => {
  test("holds the newest of those that are asked for, whatever the filters", () => {
    const store = bench.open();
    const jobs = makeJobs(60);
    for (const job of jobs) store.put(job);
    const newestFirst = jobs.toSorted((one, other) => (BigInt(one.id) < BigInt(other.id) ? 1 : -1));
    const label = record({ name: constantFrom(...names, "none"), value: option(constantFrom(...values)) });
    const place = integer({ min: 0, max: jobs.length - 1 });
    const maybe = { nil: undefined };
    assert(
      property(
        record({
          states: option(states, maybe),
          alias: option(constantFrom("a", "b", "none"), maybe),
          label: option(label, maybe),
          node: option(constantFrom(...nodes, "nowhere"), maybe),
          since: option(
            place.map((index) => idTime(jobs[index]?.id ?? "1")),
            maybe,
          ),
          before: option(
            place.map((index) => jobs[index]?.id ?? "1"),
            maybe,
          ),
          count: integer({ min: 1, max: 70 }),
        }),
        (filters) => {
          const given = Object.entries(filters).filter(([, value]) => value !== undefined);
          const query = Object.fromEntries(given) as unknown as JobQuery;
          const expected = newestFirst.filter((job) => isAskedFor(job, query)).slice(0, query.count);
          expect(idsOf(store.list(query))).toEqual(idsOf(expected));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("does not walk over jobs that are not asked for, with any one filter", () => {
    bench.close(bench.open());
    const database = new Database(bench.path);
    const plans: string[] = [];
    const explained = {
      query: (sql: string) => ({
        all: (...bound: []) => {
          const rows = database.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all(...bound);
          plans.push(...rows.map(({ detail }) => `${sql}: ${detail}`));
          return [];
        },
      }),
    } as unknown as Database;
    const filters: Partial<JobQuery>[] = [
      ...[{ states: ["ended"] as const }, { states: ["ended", "lost"] as const }, { alias: "a" }],
      ...[{ node: "here" }, { label: { name: "a", value: null } }, { label: { name: "a", value: "b" } }],
    ];
    for (const filter of filters) {
      for (const page of [{}, { before: "9" }, { since: 0 }])
        listJobs(explained, { ...filter, ...page, count: 50 });
    }
    database.close();
    expect(plans.length).toBeGreaterThan(filters.length);
    // Found by an index that leads to them alone, in their order: nothing but the page itself is put in order.
    const walks = (plan: string) => /SCAN (jobs|label)\b|USE TEMP B-TREE/.test(plan);
    expect(plans.filter(walks)).toEqual([]);
    const byIdAlone = plans.filter((plan) => /SEARCH jobs USING INTEGER PRIMARY KEY \(rowid[<>]/.test(plan));
    expect(byIdAlone).toEqual([]);
  });
});

describe("labels", () => {
  test("of jobs from before are found, and those of forgotten jobs are gone", () => {
    const old = new Database(bench.path, { create: true });
    const files = ["0001-jobs", "0002-background", "0003-tokens", "0004-idempotency", "0005-terminals"];
    for (const file of files)
      old.run(readFileSync(join(import.meta.dir, "migrations", `${file}.sql`), "utf8"));
    old.run(`PRAGMA user_version = ${files.length}`);
    const [one, other] = [bench.ended(null), bench.ended(null)].map(
      (job): Job => ({ ...job, labels: { team: "web", __proto__x: "1" } }),
    ) as [Job, Job];
    for (const job of [one, other]) {
      old
        .query("INSERT INTO jobs (id, state, node, record) VALUES (?, ?, ?, ?)")
        .run(BigInt(job.id), job.state, job.node, JSON.stringify(job));
    }
    old.close();
    const store = bench.open();
    const found = () => idsOf(store.list({ label: { name: "team", value: "web" }, count: 9 }));
    expect(found()).toEqual(idsOf([other, one]));
    store.forget([other.id]);
    expect(found()).toEqual(idsOf([one]));
    bench.close(store);
    const database = new Database(bench.path);
    expect(database.query("SELECT name, job_id FROM job_labels ORDER BY name").all()).toEqual([
      { name: "__proto__x", job_id: Number(one.id) },
      { name: "team", job_id: Number(one.id) },
    ]);
    database.close();
  });
});

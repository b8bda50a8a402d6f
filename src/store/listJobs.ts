import type { Database, SQLQueryBindings } from "bun:sqlite";
import { firstIdAt } from "../core/ids.ts";
import type { JobQuery } from "../core/ports.ts";

/** A part of a statement, with the values of its question marks. */
interface Clause {
  readonly sql: string;
  readonly values: readonly SQLQueryBindings[];
}

/**
 * Records of jobs, newest first. The id orders by time, and every filter has its index, so that a page costs the same
 * wherever it is. With several states, each one's newest are found by themselves: their index does not order them together.
 */
export function listJobs(database: Database, query: JobQuery): { readonly record: string }[] {
  const { states, count } = query;
  if (states === undefined) return run(database, [newest(query, null)], count);
  return run(
    database,
    [...new Set(states)].map((state) => newest(query, state)),
    count,
  );
}

function run(database: Database, parts: readonly Clause[], count: number): { readonly record: string }[] {
  if (parts.length === 0) return [];
  const found = parts.map(({ sql }) => `SELECT id FROM (${sql})`).join(" UNION ALL ");
  const sql = `SELECT record FROM jobs WHERE id IN (${found}) ORDER BY id DESC LIMIT ?`;
  const values = [...parts.flatMap((part) => part.values), count];
  return database.query<{ record: string }, SQLQueryBindings[]>(sql).all(...values);
}

/** The ids of the newest jobs of one state, or of any. */
function newest(query: JobQuery, state: string | null): Clause {
  const { label, alias, node, since, before, count } = query;
  const conditions: Clause[] = [];
  const where = (sql: string, ...values: SQLQueryBindings[]) => conditions.push({ sql, values });
  if (label !== undefined) where("label.name = ?", label.name);
  if (label !== undefined && label.value !== null) where("label.value = ?", label.value);
  if (state !== null) where("jobs.state = ?", state);
  if (alias !== undefined) where("jobs.alias = ?", alias);
  if (node !== undefined) where("jobs.node = ?", node);
  const id = label === undefined ? "jobs.id" : "label.job_id";
  if (since !== undefined) where(`${id} >= ?`, BigInt(firstIdAt(since)));
  if (before !== undefined) where(`${id} < ?`, BigInt(before));
  // A cross join is done in the order in which it is written.
  const table =
    label === undefined ? "jobs" : "job_labels AS label CROSS JOIN jobs ON jobs.id = label.job_id";
  const filter = conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
  const values = [...conditions.flatMap((condition) => condition.values), count];
  return { sql: `SELECT ${id} AS id FROM ${table} ${filter} ORDER BY ${id} DESC LIMIT ?`, values };
}

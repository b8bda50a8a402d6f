import type { Database, SQLQueryBindings } from "bun:sqlite";
import { firstIdAt } from "../core/ids.ts";
import type { JobQuery } from "../core/ports.ts";

/** Records of jobs, newest first. The id orders by time, so that a page costs the same wherever it is. */
export function listJobs(database: Database, query: JobQuery): { readonly record: string }[] {
  const conditions: string[] = [];
  const values: SQLQueryBindings[] = [];
  const where = (condition: string, ...bound: SQLQueryBindings[]) => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.states !== undefined)
    where(`state IN (${query.states.map(() => "?").join(", ")})`, ...query.states);
  if (query.alias !== undefined) where("alias = ?", query.alias);
  if (query.label !== undefined) {
    const { name, value } = query.label;
    const has = "EXISTS (SELECT 1 FROM json_each(record, '$.labels') AS label WHERE label.key = ?";
    if (value === null) where(`${has})`, name);
    else where(`${has} AND label.value = ?)`, name, value);
  }
  if (query.node !== undefined) where("node = ?", query.node);
  if (query.since !== undefined) where("id >= ?", BigInt(firstIdAt(query.since)));
  if (query.before !== undefined) where("id < ?", BigInt(query.before));
  const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const sql = `SELECT record FROM jobs ${filter} ORDER BY id DESC LIMIT ?`;
  return database.query<{ record: string }, SQLQueryBindings[]>(sql).all(...values, query.count);
}

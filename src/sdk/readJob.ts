import { fieldsOf } from "./bytes.ts";
import { ConnectionError } from "./errors.ts";
import type { JobRecord, Outcome } from "./jobTypes.ts";

/** The record in a JSON value; undefined when it is none. What a server of Errand tells is not checked field by field. */
export function readJob(value: unknown): JobRecord | undefined {
  const fields = fieldsOf(value);
  if (typeof fields?.id !== "string" || typeof fields.state !== "string") return undefined;
  return value as JobRecord;
}

/** The same of an answer. Throws `ConnectionError` when it is none. */
export function jobOf(value: unknown): JobRecord {
  return expected(readJob(value));
}

/** Null while a job has none. */
export function readOutcome(value: unknown): Outcome | null {
  return typeof fieldsOf(value)?.reason === "string" ? (value as Outcome) : null;
}

/** What was to be in an answer. Throws `ConnectionError` when it is not there. */
export function expected<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new ConnectionError("the answer is none of Errand");
  return value;
}

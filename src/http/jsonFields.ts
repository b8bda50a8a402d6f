import { ErrandError } from "../core/errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The fields of a body, as they were sent. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads a body that must be JSON in UTF-8. Throws `invalid-request`. */
export function parseJson(body: Uint8Array): unknown {
  if (body.byteLength === 0) throw invalid("the body is empty; a JSON object is needed");
  let source: string;
  try {
    source = utf8.decode(body);
  } catch {
    throw invalid("the body is not UTF-8");
  }
  try {
    return JSON.parse(source);
  } catch (error) {
    // Nesting that is too deep for the parser ends here as well.
    throw invalid(`the body is no JSON: ${error instanceof Error ? error.message : "it cannot be parsed"}`);
  }
}

/** Reads a body that must be one JSON object. Throws `invalid-request`. */
export function readFields(body: Uint8Array): Fields {
  const value = parseJson(body);
  if (isObject(value)) return value;
  throw invalid(`a JSON object is needed, not ${kindOf(value)}`);
}

/** A field's value; undefined when it is missing or null. What an object inherits is no field. */
export function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
}

/** The text of a field, or of the older name for it; undefined when both are missing. Throws `invalid-request`. */
export function text(fields: Fields, name: string, alias: string | null = null): string | undefined {
  const value = ownText(fields, name);
  const other = alias === null ? undefined : ownText(fields, alias);
  if (value !== undefined && other !== undefined && value !== other) {
    throw invalid(`the fields \`${name}\` and \`${alias}\` differ: one of them is enough`);
  }
  return value ?? other;
}

function ownText(fields: Fields, name: string): string | undefined {
  const value = field(fields, name);
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw mistyped(name, value, "a string");
  if (value.includes("\0")) throw invalid(`field \`${name}\`: a NUL character is not allowed`);
  return value;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Says which field is of the wrong kind. Values are not told: they may be secrets. */
export function mistyped(name: string, value: unknown, allowed: string): ErrandError {
  return invalid(`field \`${name}\`: ${allowed} is needed, not ${kindOf(value)}`);
}

/** An error in what was sent. */
export function invalid(why: string): ErrandError {
  return new ErrandError("invalid-request", why);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

import { ErrandError } from "../../core/errors.ts";
import { type JobSpec, plainSpec } from "../../core/job.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A spec of this door always has an alias. */
export interface RexecSpec extends JobSpec {
  readonly alias: string;
}

/** Reads the body of `POST /process`. Unknown fields are ignored. Throws `invalid-request` that names the field. */
export function decode(body: Uint8Array, aliasBytes: number): RexecSpec {
  const fields = parse(body);
  const alias = text(fields, "alias");
  if (Buffer.byteLength(alias) > aliasBytes) throw invalid(`alias: at most ${aliasBytes} bytes are allowed`);
  return {
    ...plainSpec,
    alias,
    command: [text(fields, "cmd"), ...texts(fields, "args")],
    cwd: "cwd" in fields ? text(fields, "cwd") : null,
    env: variables(fields, "envs"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(body: Uint8Array): Fields {
  if (body.byteLength === 0) throw invalid("the body is empty; a JSON object is needed");
  let source: string;
  try {
    source = utf8.decode(body);
  } catch {
    throw invalid("the body is not UTF-8");
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    // Nesting that is too deep for the parser ends here as well.
    throw invalid(`the body is no JSON: ${error instanceof Error ? error.message : "it cannot be parsed"}`);
  }
  if (isObject(value)) return value;
  throw invalid(`a JSON object is needed, not ${kind(value)}`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined) throw invalid(`missing field \`${name}\``);
  if (typeof value === "string") return value;
  throw invalid(`field \`${name}\`: a string is needed, not ${kind(value)}`);
}

function texts(fields: Fields, name: string): readonly string[] {
  if (!Object.hasOwn(fields, name)) return [];
  const value = fields[name];
  if (!Array.isArray(value))
    throw invalid(`field \`${name}\`: an array of strings is needed, not ${kind(value)}`);
  for (const [index, item] of value.entries()) {
    if (typeof item !== "string")
      throw invalid(`field \`${name}[${index}]\`: a string is needed, not ${kind(item)}`);
  }
  return value;
}

function variables(fields: Fields, name: string): Readonly<Record<string, string>> {
  if (!Object.hasOwn(fields, name)) return {};
  const value = fields[name];
  if (!isObject(value))
    throw invalid(`field \`${name}\`: an object of strings is needed, not ${kind(value)}`);
  for (const [key, item] of Object.entries(value)) {
    const shown = `${name}[${JSON.stringify(key)}]`;
    if (typeof item !== "string") throw invalid(`field \`${shown}\`: a string is needed, not ${kind(item)}`);
  }
  return value as Readonly<Record<string, string>>;
}

function kind(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function invalid(why: string): ErrandError {
  return new ErrandError("invalid-request", why);
}

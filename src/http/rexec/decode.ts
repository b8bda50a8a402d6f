import { type JobSpec, plainSpec } from "../../core/job.ts";
import { type Fields, invalid, isObject, mistyped, readFields } from "../jsonFields.ts";

/** A spec of this door always has an alias. */
export interface RexecSpec extends JobSpec {
  readonly alias: string;
}

/** Reads the body of `POST /process`. Unknown fields are ignored. Throws `invalid-request` that names the field. */
export function decode(body: Uint8Array, aliasBytes: number): RexecSpec {
  const fields = readFields(body);
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

function text(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined) throw invalid(`missing field \`${name}\``);
  if (typeof value === "string") return value;
  throw mistyped(name, value, "a string");
}

function texts(fields: Fields, name: string): readonly string[] {
  if (!Object.hasOwn(fields, name)) return [];
  const value = fields[name];
  if (!Array.isArray(value)) throw mistyped(name, value, "an array of strings");
  for (const [index, item] of value.entries()) {
    if (typeof item !== "string") throw mistyped(`${name}[${index}]`, item, "a string");
  }
  return value;
}

function variables(fields: Fields, name: string): Readonly<Record<string, string>> {
  if (!Object.hasOwn(fields, name)) return {};
  const value = fields[name];
  if (!isObject(value)) throw mistyped(name, value, "an object of strings");
  for (const [key, item] of Object.entries(value)) {
    const shown = `${name}[${JSON.stringify(key)}]`;
    if (typeof item !== "string") throw mistyped(shown, item, "a string");
  }
  return value as Readonly<Record<string, string>>;
}

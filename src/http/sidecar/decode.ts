import { type CallbackRequest, type JobSpec, plainSpec } from "../../core/job.ts";
import { type Fields, field, invalid, isObject, mistyped, readFields, text } from "../jsonFields.ts";

/** What a client asks for. */
export interface ShellRequest {
  readonly spec: JobSpec;
  /** Answer when the command has ended, with its output. */
  readonly wait: boolean;
}

/**
 * Reads the body of `POST /shell`. Unknown fields are ignored, since its clients will not change. Throws
 * `invalid-request` that names the field.
 */
export function decode(body: Uint8Array): ShellRequest {
  const fields = readFields(body);
  const command = text(fields, "command", "cmd");
  if (command === undefined) throw invalid("missing field `command`: a string for /bin/sh is needed");
  const url = text(fields, "callbackURL", "callback_url");
  const wait = flag(fields, "wait", true);
  const spec: JobSpec = {
    ...plainSpec,
    command: ["/bin/sh", "-c", command],
    cwd: text(fields, "workdir") ?? null,
    env: variables(field(fields, "envs")),
    mode: "background",
    // Nobody waits for it, so that it need not end with the server.
    survive: !wait,
    callback: url === undefined ? null : callbackTo(url),
  };
  return { spec, wait };
}

function callbackTo(url: string): CallbackRequest {
  return { url, events: ["job.ended"], form: "sidecar" };
}

function flag(fields: Fields, name: string, missing: boolean): boolean {
  const value = field(fields, name);
  if (value === undefined) return missing;
  if (typeof value === "boolean") return value;
  throw mistyped(name, value, "true or false");
}

const allowed = "an array of KEY=VALUE strings or an object of strings";

function variables(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const pairs = Array.isArray(value) ? listed(value) : isObject(value) ? named(value) : null;
  if (pairs === null) throw mistyped("envs", value, allowed);
  for (const { name, text, shown } of pairs) {
    if (name === "") throw invalid(`field \`${shown}\`: the name of the variable is empty`);
    if (name.includes("=")) throw invalid(`field \`${shown}\`: "=" is not allowed in the name of a variable`);
    if (name.includes("\0") || text.includes("\0")) {
      throw invalid(`field \`${shown}\`: a NUL character is not allowed`);
    }
  }
  // Of two with the same name the last one counts, as in a shell.
  return Object.fromEntries(pairs.map(({ name, text }) => [name, text]));
}

/** A variable, and where in the body it stands. */
interface Variable {
  readonly name: string;
  readonly text: string;
  readonly shown: string;
}

function listed(items: readonly unknown[]): Variable[] {
  return items.map((item, index) => {
    const shown = `envs[${index}]`;
    if (typeof item !== "string") throw mistyped(shown, item, "a string KEY=VALUE");
    const mark = item.indexOf("=");
    // What has no "=" may be a secret that has lost its name: it is not told.
    if (mark < 0) throw invalid(`field \`${shown}\`: KEY=VALUE is needed, there is no "="`);
    return { name: item.slice(0, mark), text: item.slice(mark + 1), shown };
  });
}

function named(fields: Fields): Variable[] {
  return Object.entries(fields).map(([name, item]) => {
    const shown = `envs[${JSON.stringify(name)}]`;
    if (typeof item !== "string") throw mistyped(shown, item, "a string");
    return { name, text: item, shown };
  });
}

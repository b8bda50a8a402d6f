import type { z } from "@hono/zod-openapi";
import { ErrandError } from "../../core/errors.ts";
import { type JobSpec, plainSpec } from "../../core/job.ts";
import { knownFields, plannedFields, specSchema, type WireSpec } from "../../protocol/spec.ts";
import { isObject } from "../jsonFields.ts";
import { unknownField } from "./unknownField.ts";

interface DecodeOptions {
  readonly aliasBytes: number;
  readonly labelCount: number;
  /** The request asks for a stream: then the job is bound to it unless the spec says otherwise. */
  readonly streams: boolean;
  /** Jobs can go on without their server. */
  readonly canSurvive: boolean;
}

/** Reads the body of `POST /v1/jobs`. Throws `invalid-spec` that names the field, `not-available` for what is to come. */
export function decodeSpec(
  value: unknown,
  { aliasBytes, labelCount, streams, canSurvive }: DecodeOptions,
): JobSpec {
  refusePlanned(value);
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) throw explain(parsed.error);
  const wire = parsed.data;
  if (Buffer.byteLength(wire.alias ?? "") > aliasBytes)
    throw invalid(`alias: at most ${aliasBytes} bytes are allowed`);
  if (Object.keys(wire.labels ?? {}).length > labelCount)
    throw invalid(`labels: at most ${labelCount} are allowed`);
  refuseContradictions(wire, streams);
  if (wire.survive === true && !canSurvive)
    throw new ErrandError("not-available", "survive: no job outlives its server on this system", undefined, {
      field: "survive",
    });
  return fromWire(wire, variables(value), streams);
}

function fromWire(wire: WireSpec, env: JobSpec["env"], streams: boolean): JobSpec {
  const { callback, discardOutput = false } = wire;
  const mode = wire.mode ?? (streams ? "attached" : "background");
  return {
    ...plainSpec,
    command: commandOf(wire),
    cwd: wire.cwd ?? null,
    env,
    alias: wire.alias ?? null,
    aliasPolicy: wire.aliasPolicy ?? "reject",
    mode,
    survive: wire.survive ?? mode === "background",
    onDisconnect: wire.onDisconnect ?? (mode === "attached" ? "kill" : "detach"),
    labels: wire.labels ?? {},
    tty: wire.tty ?? null,
    stdin: wire.tty === undefined ? stdinOf(wire.stdin) : "open",
    mergeOutput: wire.mergeOutput ?? false,
    discardStdout: discardOutput,
    discardStderr: discardOutput,
    leftovers: wire.leftovers ?? "leave",
    successExitCodes: wire.successExitCodes ?? plainSpec.successExitCodes,
    runTimeoutSeconds: wire.runTimeoutSeconds ?? null,
    idleTimeoutSeconds: wire.idleTimeoutSeconds ?? null,
    stopGraceSeconds: wire.stopGraceSeconds ?? null,
    retainSeconds: wire.retainSeconds ?? null,
    outputBytes: wire.limits?.outputBytes ?? null,
    callback:
      callback === undefined
        ? null
        : { url: callback.url, events: [...new Set(callback.events ?? ["job.ended" as const])], form: "v1" },
  };
}

/** As they were sent: the schema would leave out `__proto__`, which is a name as any other. */
function variables(value: unknown): JobSpec["env"] {
  const env = isObject(value) && isObject(value.env) ? value.env : {};
  const entries = Object.entries(env).map(([name, text]): [string, string] => {
    if (typeof text === "string") return [name, text];
    throw invalid(`env.${name}: a string is needed`);
  });
  return Object.fromEntries(entries);
}

function commandOf({ command, shell }: WireSpec): JobSpec["command"] {
  if (shell !== undefined) return ["/bin/sh", "-c", shell];
  const [program, ...args] = command ?? [];
  if (program === undefined || program === "") throw invalid("command: the first element names the program");
  return [program, ...args];
}

function stdinOf(stdin: WireSpec["stdin"]): JobSpec["stdin"] {
  if (stdin === undefined) return null;
  if (stdin === "open") return stdin;
  const { text, base64 = "" } = stdin;
  return text === undefined ? Buffer.from(base64, "base64") : Buffer.from(text);
}

/** What needs somebody who watches the command, which nobody does once it is let go. */
const watched = [
  "alias",
  "aliasPolicy",
  "onDisconnect",
  "callback",
  "mergeOutput",
  "discardOutput",
  "leftovers",
  "successExitCodes",
  "runTimeoutSeconds",
  "idleTimeoutSeconds",
  "stopGraceSeconds",
  "limits",
  "tty",
] as const satisfies readonly (keyof WireSpec)[];

/** What needs output that somebody sees. */
const counted = [
  "idleTimeoutSeconds",
  "limits",
  "mergeOutput",
] as const satisfies readonly (keyof WireSpec)[];

/** What a terminal does not go with, and why. */
const terminalRefusals = {
  mergeOutput: "at a terminal stdout and stderr are one already",
  discardOutput: "what is shown at a terminal is its output",
} as const satisfies Partial<Record<keyof WireSpec, string>>;

function refuseBesideTerminal(wire: WireSpec): void {
  if (wire.tty === undefined) return;
  if (wire.stdin !== undefined && wire.stdin !== "open")
    throw invalid('stdin: a terminal is typed at while the command runs, so that only "open" is allowed');
  for (const [name, why] of Object.entries(terminalRefusals)) {
    if (wire[name as keyof typeof terminalRefusals] === true) throw invalid(`${name}: ${why}`);
  }
}

function refuseContradictions(wire: WireSpec, streams: boolean): void {
  if ((wire.command === undefined) === (wire.shell === undefined))
    throw invalid("one of command and shell is needed, and not both");
  if (wire.mode === "attached" && !streams)
    throw invalid(
      "mode: an attached job belongs to a stream; ask for one with Accept: text/event-stream or alike",
    );
  if (wire.mode === "detached" && (streams || wire.stdin === "open"))
    throw invalid("mode: a detached job is let go, so that nothing can be sent to it or come of it");
  if (wire.aliasPolicy !== undefined && wire.alias === undefined)
    throw invalid("aliasPolicy: without an alias it can have no effect");
  if (wire.survive === true && (wire.mode ?? (streams ? "attached" : "background")) !== "background")
    throw invalid("survive: only a background job can go on without its server");
  const detached = wire.mode === "detached" ? watched.find((name) => wire[name] !== undefined) : undefined;
  if (detached !== undefined)
    throw invalid(`${detached}: a detached job is let go, so this can have no effect`);
  refuseBesideTerminal(wire);
  const discarded = wire.discardOutput ? counted.find((name) => wire[name] !== undefined) : undefined;
  if (discarded !== undefined) throw invalid(`${discarded}: with discardOutput nobody sees the output`);
}

/** Told apart from what will never be. */
function refusePlanned(value: unknown): void {
  if (!isObject(value)) return;
  const limits = isObject(value.limits) ? value.limits : {};
  const fields = [
    ...plannedFields[""].filter((name) => Object.hasOwn(value, name)),
    ...plannedFields.limits.filter((name) => Object.hasOwn(limits, name)).map((name) => `limits.${name}`),
  ];
  const [field] = fields;
  if (field === undefined) return;
  throw new ErrandError("not-available", `${field} is not in this build yet`, undefined, {
    field,
  });
}

function explain({ issues }: z.ZodError): ErrandError {
  // A name that was mistyped explains the one that is missing.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  return issue === undefined ? invalid("it cannot be read") : explainIssue(issue, issue.path);
}

type Issue = z.ZodError["issues"][number];

function explainIssue(issue: Issue, path: readonly PropertyKey[]): ErrandError {
  const place = path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = knownFields[place as keyof typeof knownFields] ?? [];
    return invalid(unknownField(issue.keys[0] ?? "", known, place));
  }
  // Of several forms, the one whose fields were looked at says what is wrong in it.
  const inside = issue.code === "invalid_union" ? issue.errors.flat().find(isInside) : undefined;
  if (inside !== undefined) return explainIssue(inside, [...path, ...inside.path]);
  return invalid(`${place || "the body"}: ${issue.message}`);
}

function isInside({ code, path }: Issue): boolean {
  return path.length > 0 || code === "unrecognized_keys" || code === "custom";
}

function invalid(message: string): ErrandError {
  return new ErrandError("invalid-spec", message);
}

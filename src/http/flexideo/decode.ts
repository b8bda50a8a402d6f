import { type JobSpec, plainSpec } from "../../core/job.ts";
import { nearestName } from "../../core/nearest.ts";
import type { CodePage } from "../../encoding/codePages.ts";
import { splitCommandLine } from "../../encoding/commandLine.ts";
import { CommandLineError } from "../../encoding/errors.ts";
import type { RequestElement } from "./element.ts";
import { readInput } from "./input.ts";
import { invalid, shown } from "./invalid.ts";
import type { Pages } from "./pages.ts";
import { Values } from "./values.ts";

/** How output is put into an answer. */
export const encodes = ["hex", "url", "base64", "xml", "json", "raw"] as const;
export type Encode = (typeof encodes)[number];

/** The form that a client wants output in. */
export interface OutputForm {
  readonly encode: Encode;
  /** What the program speaks. */
  readonly page: CodePage;
}

export type Call = "sync" | "async" | "detach";

/** What one `<shell>` asks for. */
export type ShellRequest =
  | { readonly kind: "fetch"; readonly id: string; readonly form: OutputForm }
  | { readonly kind: "start"; readonly call: Call; readonly spec: JobSpec; readonly form: OutputForm };

const known = [
  ...["id", "command", "call", "async", "join-output", "no-output", "survive", "timeout", "retrieve-timeout"],
  ...["out-buffer-size", "err-buffer-size", "input-encoding", "encode", "codepage", "exit-code"],
];

/** Longest time that a request may name: ten years. */
const seconds = { min: 0, max: 3_650 * 86_400 };
const readBytes = { min: 1, max: 1024 * 1024 };
const exitCodes = { min: 0, max: 255 };

/** Reads one `<shell>`. Throws `invalid-request` that names the attribute. */
export function decode(element: RequestElement, pages: Pages): ShellRequest {
  refuseUnknown(element);
  const values = new Values(element.attributes);
  const form = {
    encode: values.word("encode", encodes) ?? "raw",
    page: pages.named(values, "codepage") ?? pages.oem,
  };
  // Nothing else counts beside an id.
  if (values.text("id") !== undefined) return { kind: "fetch", id: readId(values), form };
  const call = readCall(values);
  const joined = values.flag("join-output");
  const silent = values.flag("no-output");
  const survive = values.flag("survive");
  const runTimeout = values.wholeNumber("timeout", seconds) ?? 0;
  const retain = values.wholeNumber("retrieve-timeout", seconds) ?? 0;
  const spec: JobSpec = {
    ...plainSpec,
    command: readCommand(values),
    mode: call === "detach" ? "detached" : "background",
    // With the other calls it has no meaning.
    survive: survive && call === "async",
    stdin: readInput(values, pages, element.text),
    mergeOutput: joined,
    discardStdout: silent,
    // Said of both, so that the record tells that nothing is to be returned.
    discardStderr: joined && silent,
    successExitCodes: [values.wholeNumber("exit-code", exitCodes) ?? 0],
    runTimeoutSeconds: runTimeout === 0 ? null : runTimeout,
    retainSeconds: call !== "async" || retain === 0 ? null : retain,
    stdoutReadBytes: values.wholeNumber("out-buffer-size", readBytes) ?? null,
    stderrReadBytes: values.wholeNumber("err-buffer-size", readBytes) ?? null,
  };
  return { kind: "start", call, spec, form };
}

function refuseUnknown({ attributes, child }: RequestElement): void {
  for (const name of attributes.keys()) {
    if (known.includes(name)) continue;
    const nearest = name.length > longestTypo ? undefined : nearestName(name, known);
    const hint = nearest === undefined ? `allowed are ${known.join(", ")}` : `did you mean ${nearest}?`;
    throw invalid(`unknown attribute ${shown(name)}; ${hint}`);
  }
  if (child !== null) throw invalid(`<shell> holds the element ${shown(child)}; only text is allowed in it`);
}

/** Longer names are nobody's typing. */
const longestTypo = 64;

/** The number without zeros in front, as ids are written. */
function readId(values: Values): string {
  const text = values.text("id") ?? "";
  if (!/^[0-9]+$/.test(text))
    throw values.wrong("id", "the number that an async call was answered with is allowed");
  return text.replace(/^0+(?=.)/, "");
}

function readCall(values: Values): Call {
  const call = values.word("call", ["sync", "async", "detach"]);
  // The manual writes it so in places.
  if (values.text("async") === undefined) return call ?? "sync";
  const async = values.flag("async");
  if (call !== undefined && (call === "async") !== async)
    throw values.wrong("async", `call=${shown(call)} says something else`);
  return call ?? (async ? "async" : "sync");
}

function readCommand(values: Values): [string, ...string[]] {
  const line = values.text("command");
  if (line === undefined) throw invalid("attribute command or id is needed");
  try {
    const [program, ...args] = splitCommandLine(line);
    if (program !== undefined && program !== "") return [program, ...args];
  } catch (error) {
    if (error instanceof CommandLineError) throw values.wrong("command", error.message);
    throw error;
  }
  throw values.wrong("command", "a command line that names a program is allowed");
}

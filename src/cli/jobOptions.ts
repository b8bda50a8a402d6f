import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { JobSpec } from "../sdk/specTypes.ts";
import { usageError } from "./exitCodes.ts";
import { readSpecFile } from "./specFile.ts";
import type { Variables } from "./surroundings.ts";
import { byteCount, collect, collectPair, seconds, wholeNumber } from "./values.ts";

/** What `run` and `start` say about a job. */
export interface JobOptions {
  readonly spec?: string;
  readonly shell?: true;
  readonly cwd?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly alias?: string;
  readonly aliasPolicy?: NonNullable<JobSpec["aliasPolicy"]>;
  readonly label?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly idleTimeout?: number;
  readonly grace?: number;
  readonly merge?: true;
  readonly discard?: true;
  readonly outputLimit?: number;
  readonly successCode?: readonly string[];
  readonly leftovers?: "leave" | "stop";
  readonly retain?: number;
  readonly callback?: string;
}

const mostGraceSeconds = 3_600;

/** Gives a verb the options that describe a job. */
export function withJobOptions(command: Command): Command {
  return command
    .optionsGroup("What to run:")
    .option("--shell", "the words are a line for /bin/sh, such as 'cd /srv && ls | wc -l'")
    .option("--spec <file>", "the job as JSON, as POST /v1/jobs takes it; what is typed wins over it")
    .option("--cwd <folder>", "working directory, on the server")
    .option(
      "-e, --env <name=value>",
      "variable; NAME alone takes its value from here; may be repeated",
      collect,
    )
    .option("--env-file <file>", "variables as NAME=VALUE lines, # for comments; may be repeated", collect)
    .option("--alias <alias>", "one job per alias runs at a time")
    .addOption(
      new Option("--alias-policy <policy>", "when the alias is running").choices([
        "reject",
        "queue",
        "join",
        "replace",
      ]),
    )
    .option("--label <key=value>", "to find it by; may be repeated", collectPair)
    .optionsGroup("Limits (times as 30, 1.5s, 5m, 2h, 7d; sizes as 1000, 64K, 1G):")
    .option("--timeout <time>", "longest run", seconds)
    .option("--idle-timeout <time>", "longest silence", seconds)
    .option(
      "--grace <time>",
      `from TERM to KILL when a limit stops it, at most ${mostGraceSeconds}s`,
      seconds,
    )
    .option("--output-limit <size>", "with more output than this it is stopped", byteCount)
    .option("--retain <time>", "how long its record and output are kept after its end", seconds)
    .optionsGroup("Output and end:")
    .option("--merge", "stderr goes into stdout, in the order of writing")
    .option("--discard", "throw stdout and stderr away")
    .option(
      "--success-code <code>",
      "exit code that counts as success in the record; may be repeated",
      collect,
    )
    .addOption(
      new Option("--leftovers <what>", "what happens to processes that outlive the command").choices([
        "leave",
        "stop",
      ]),
    )
    .option("--callback <url>", "is told when the job has ended");
}

/** The spec of a job: of its file, if there is one, and of what was typed, which wins. Throws `CliError`. */
export function jobSpec(words: readonly string[], options: JobOptions, variables: Variables): JobSpec {
  if (options.shell === true && words.length === 0 && options.spec !== undefined)
    throw usageError("--shell: there is no line for it", "Write it behind --, or leave --shell to the file.");
  const { command, shell, ...base } = options.spec === undefined ? {} : readSpecFile(options.spec);
  const typed = options.shell === true ? { shell: words.join(" ") } : { command: words };
  const what = words.length > 0 ? typed : defined({ command, shell });
  if (Object.keys(what).length === 0)
    throw usageError("there is no command", "Write it behind --, as in: errand run -- ls -l");
  const { cwd, alias, aliasPolicy, timeout, idleTimeout, grace, outputLimit, retain } = options;
  const { merge, discard, leftovers, callback } = options;
  const env = environmentOf(options, variables);
  return {
    ...base,
    ...what,
    ...defined({ cwd, alias, aliasPolicy, leftovers, successExitCodes: successCodes(options) }),
    ...defined({ env: merged(base.env, env), labels: merged(base.labels, options.label) }),
    ...defined({ runTimeoutSeconds: timeout, idleTimeoutSeconds: idleTimeout, stopGraceSeconds: grace }),
    ...defined({ retainSeconds: retain, mergeOutput: merge, discardOutput: discard }),
    ...(outputLimit === undefined ? {} : { limits: { ...base.limits, outputBytes: outputLimit } }),
    ...(callback === undefined ? {} : { callback: { ...base.callback, url: callback } }),
  } as JobSpec;
}

/** Both, of which the second wins; nothing when there is neither. */
function merged(
  first: Readonly<Record<string, string>> | undefined,
  second: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  return second === undefined ? first : { ...first, ...second };
}

function defined<Shape extends object>(shape: Shape): Partial<Shape> {
  const given = Object.entries(shape).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Shape>;
}

function successCodes({ successCode }: JobOptions): number[] | undefined {
  return successCode?.map(wholeNumber(0, 255));
}

/** Files come first, so that what is typed wins. */
function environmentOf(
  { env = [], envFile = [] }: JobOptions,
  variables: Variables,
): Record<string, string> | undefined {
  const lines = [...envFile.flatMap(linesOf), ...env];
  if (lines.length === 0) return undefined;
  const found = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf("=");
    const name = at < 0 ? line : line.slice(0, at);
    if (name === "") throw usageError(`${JSON.stringify(line)}: a variable needs a name`);
    const value = at >= 0 ? line.slice(at + 1) : Object.hasOwn(variables, name) ? variables[name] : undefined;
    // A name that has no value here is left out, as other programs of this kind do it.
    if (value !== undefined) found.set(name, value);
  }
  return Object.fromEntries(found);
}

function linesOf(path: string): string[] {
  try {
    const lines = readFileSync(path, "utf8")
      .replace(/^\ufeff/, "")
      .split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  } catch (error) {
    throw usageError(`--env-file: ${error instanceof Error ? error.message : error}`);
  }
}

import { Command, InvalidArgumentError, Option } from "commander";
import type { JobSpec, OnDisconnect } from "../sdk/specTypes.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { defaultDetachKeys, detachKeysOption } from "./detachKeys.ts";
import { CliError, exitCodes, usageError } from "./exitCodes.ts";
import { type JobOptions, jobSpec, withJobOptions } from "./jobOptions.ts";
import { runJob } from "./runJob.ts";
import { refuseStdinAtTerminal, runOnTerminal, withTerminal } from "./runTerminal.ts";
import type { Surroundings } from "./surroundings.ts";
import { seconds } from "./values.ts";
import type { Program } from "./verbs.ts";

interface RunOptions extends JobOptions, ConnectionOptions {
  readonly interactive?: true;
  readonly tty?: true;
  readonly detachKeys?: readonly number[];
  readonly on?: string;
  readonly stdin?: "none" | "inherit";
  readonly onDisconnect?: OnDisconnect;
  readonly json?: true;
}

/** How long a command goes on while its client tries to come back. */
const defaultDisconnect: OnDisconnect = { killAfterSeconds: 30 };

const about = `
stdin goes to the command when it is not a terminal, or with -i. Ctrl-C and the signals TERM, HUP and QUIT are handed on to
the command; a second Ctrl-C within a second stops it with everything it started.

With -it the command has a terminal, and this one is put in front of it: its keys, its size, Ctrl-C too. Such a job stays when
the connection is lost or this program ends; the keys that detach leave it (Ctrl-P then Ctrl-Q), errand attach comes back. With
-t alone it has a terminal at which nobody types.

Exit code: the command's own; 128 + n when signal n ended it; 127 it was not found; 126 it cannot be executed; 125 Errand's
own failure, which includes a connection that was cut before the end was known, output that is missing, and a command that
was stopped by a limit and then ended with 0.

Examples:
  errand run -- make -j4 test
  tar c src | errand run --cwd /srv/build -- tar x
  errand run -it -- bash
  errand run --shell 'dmesg | tail -20' --timeout 10s
  errand run --alias deploy --alias-policy queue -- ./deploy.sh`;

/** The verb `run`. */
export function runCommand(surroundings: Surroundings, { endWith }: Program): Command {
  const command = new Command("run")
    .usage("[options] -- <command> [arguments...]")
    .description(
      "Runs a command on the server. Its output comes here as it is written, and its exit code is ours.",
    )
    .argument("[command...]", "program and arguments")
    .passThroughOptions()
    .option("-i, --interactive", "pass stdin on, even from a terminal")
    .option("-t, --tty", "give the command a terminal of its own; with -i this one is put in front of it")
    .addOption(detachKeysOption())
    .addOption(new Option("--on <node>", "run it on another node").hideHelp())
    .addOption(new Option("--stdin <source>", "what the command reads").choices(["none", "inherit"]))
    .option(
      "--on-disconnect <what>",
      "while the connection is lost: kill, detach, or a time to go on (default: 30s)",
      whenLost,
    )
    .option("--json", "print the events as lines of JSON instead of the output");
  withConnection(withJobOptions(command));
  return command.addHelpText("after", about).action(async (words: string[], options: RunOptions) => {
    refusePlanned(options);
    endWith(await run(words, options, surroundings));
  });
}

function whenLost(text: string): OnDisconnect {
  if (text === "kill" || text === "detach") return text;
  try {
    const killAfterSeconds = seconds(text);
    if (killAfterSeconds > 0) return { killAfterSeconds };
  } catch {
    // Told below, with all that is allowed.
  }
  throw new InvalidArgumentError("kill, detach or a time such as 30s is needed.");
}

function refusePlanned({ on }: RunOptions): void {
  if (on !== undefined)
    throw new CliError(exitCodes.refused, "--on: another node is not available in this build yet");
}

async function run(
  words: readonly string[],
  options: RunOptions,
  surroundings: Surroundings,
): Promise<number> {
  refuseContradictions(options);
  const wanted = jobSpec(words, options, surroundings.variables);
  if (options.tty === true && options.interactive === true) {
    const spec = { ...wanted, onDisconnect: options.onDisconnect ?? wanted.onDisconnect ?? "detach" };
    const { detachKeys = defaultDetachKeys } = options;
    return await runOnTerminal(connect(options, surroundings), { spec, detachKeys }, surroundings);
  }
  const onDisconnect = options.onDisconnect ?? wanted.onDisconnect ?? defaultDisconnect;
  if (options.tty === true) {
    // Nobody types at it.
    const spec: JobSpec = { ...withTerminal(wanted, surroundings), mode: "attached", onDisconnect };
    return await runJob(connect(options, surroundings), { spec, json: options.json === true }, surroundings);
  }
  const spec: JobSpec = {
    ...{ ...wanted, mode: "attached", onDisconnect },
    stdin: stdinOf(wanted, options, surroundings),
  };
  return await runJob(connect(options, surroundings), { spec, json: options.json === true }, surroundings);
}

/** Of two options that cannot both hold, none is ignored. */
function refuseContradictions({ json, stdin, tty, interactive, detachKeys }: RunOptions): void {
  const atTerminal = tty === true && interactive === true;
  if (atTerminal && json === true)
    throw usageError("-it and --json: what is shown on a terminal are no events");
  if (atTerminal && stdin !== undefined)
    throw usageError("-it and --stdin: what is typed is what the command reads");
  if (tty === true) refuseStdinAtTerminal(stdin);
  if (interactive === true && stdin === "none")
    throw usageError("-i and --stdin none: one passes stdin on, the other does not; leave one out");
  if (!atTerminal && detachKeys !== undefined)
    throw usageError("--detach-keys: keys are looked for only with -it, at a terminal");
}

/** What was typed wins over the file. */
function stdinOf(
  { stdin: given }: JobSpec,
  { stdin, interactive }: RunOptions,
  { isTerminal }: Surroundings,
): JobSpec["stdin"] {
  if (stdin === "none") return undefined;
  if (stdin === "inherit" || interactive === true) return "open";
  return given ?? (isTerminal(0) ? undefined : "open");
}

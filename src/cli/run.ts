import { Command, InvalidArgumentError, Option } from "commander";
import { ErrandError } from "../sdk/errors.ts";
import type { Job } from "../sdk/job.ts";
import type { JobRecord } from "../sdk/jobTypes.ts";
import type { OnDisconnect } from "../sdk/specTypes.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { endingOf, startError } from "./ending.ts";
import { type EventPrinter, JsonPrinter, PlainPrinter } from "./eventPrinter.ts";
import { CliError, exitCodes } from "./exitCodes.ts";
import { inputStream } from "./input.ts";
import { type JobOptions, jobSpec, withJobOptions } from "./jobOptions.ts";
import { SignalRelay } from "./signalRelay.ts";
import type { Surroundings } from "./surroundings.ts";
import { seconds } from "./values.ts";
import type { Program } from "./verbs.ts";

interface RunOptions extends JobOptions, ConnectionOptions {
  readonly interactive?: true;
  readonly tty?: true;
  readonly on?: string;
  readonly stdin?: "none" | "inherit";
  readonly onDisconnect?: OnDisconnect;
  readonly json?: true;
}

/** How long a command goes on while its client tries to come back. */
const defaultDisconnect: OnDisconnect = { killAfterSeconds: 30 };
/** When this program cannot go on, the command is not left behind. */
const abandonGraceSeconds = 0.5;
const abandonSeconds = 3;

const about = `
stdin goes to the command when it is not a terminal, or with -i. Ctrl-C and the signals TERM, HUP and QUIT are handed on to
the command; a second Ctrl-C within a second stops it with everything it started.

Exit code: the command's own; 128 + n when signal n ended it; 127 it was not found; 126 it cannot be executed; 125 Errand's
own failure, which includes a connection that was cut before the end was known, output that is missing, and a command that
was stopped by a limit and then ended with 0.

Examples:
  errand run -- make -j4 test
  tar c src | errand run --cwd /srv/build -- tar x
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
    .option("-t, --tty", "give the command a terminal (not available yet)")
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

function refusePlanned({ tty, on }: RunOptions): void {
  const planned = tty === true ? "-t: a terminal" : on !== undefined ? "--on: another node" : null;
  if (planned !== null)
    throw new CliError(exitCodes.refused, `${planned} is not available in this build yet`);
}

async function run(
  words: readonly string[],
  options: RunOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr, variables } = surroundings;
  const wanted = jobSpec(words, options, variables);
  const onDisconnect = options.onDisconnect ?? wanted.onDisconnect ?? defaultDisconnect;
  const passesStdin = takesStdin(options, surroundings) && wanted.stdin === undefined;
  const spec = { ...wanted, mode: "attached", onDisconnect } as const;
  const errand = connect(options, surroundings);
  const relay = new SignalRelay(stderr);
  try {
    const signal = relay.givenUp;
    const job = await errand
      .start({ ...spec, ...(passesStdin ? { stdin: "open" } : {}) }, { signal })
      .catch((error: unknown) => {
        throw startError(error);
      });
    relay.attach(job);
    if (passesStdin) feed(job, surroundings);
    const printer = options.json === true ? new JsonPrinter(stdout) : new PlainPrinter({ stdout, stderr });
    const record = await follow(job, printer, signal);
    return await finish(record, printer, surroundings);
  } finally {
    relay.end();
  }
}

function takesStdin({ stdin, interactive }: RunOptions, { isTerminal }: Surroundings): boolean {
  if (stdin !== undefined) return stdin === "inherit";
  return interactive === true || !isTerminal(0);
}

/** Runs beside the output, and ends with the command at the latest. */
function feed(job: Job, { stderr }: Surroundings): void {
  inputStream(0)
    .pipeTo(job.stdin())
    .catch((error: unknown) => {
      // It reads no more, as `head` does; the end of a connection is told by the events.
      if (!(error instanceof ErrandError) || error.code === "stdin-closed" || error.code === "not-found")
        return;
      stderr.write(`errand: stdin: ${error.message}\n`).catch(() => {});
    });
}

async function follow(job: Job, printer: EventPrinter, signal: AbortSignal): Promise<JobRecord> {
  try {
    for await (const event of job.events({ signal })) {
      await printer.print(event);
      if (event.type === "ended") return event.job;
    }
  } catch (error) {
    await abandon(job, error, signal);
    throw error;
  }
  throw new CliError(exitCodes.ownFailure, `the events of job ${job.id} ended before it`);
}

/** Output that cannot be written, or a user who has given up: nobody would see what the command still does. */
async function abandon(job: Job, error: unknown, { aborted }: AbortSignal): Promise<void> {
  if (error instanceof ErrandError || (error instanceof Error && error.name === "StreamCut")) return;
  if (aborted)
    throw new CliError(exitCodes.ownFailure, `job ${job.id} may still run`, `errand stop ${job.id}`);
  await job
    .stop({ graceSeconds: abandonGraceSeconds, signal: AbortSignal.timeout(abandonSeconds * 1_000) })
    .catch(() => {});
}

async function finish(record: JobRecord, printer: EventPrinter, { stderr }: Surroundings): Promise<number> {
  const { exitCode, note } = endingOf(record);
  if (note !== null) await stderr.write(`errand: ${note}\n`);
  const missed = printer.missed();
  if (missed === null) return exitCode;
  await stderr.write(`errand: the output is not whole: ${missed}\n`);
  return exitCode === exitCodes.done ? exitCodes.ownFailure : exitCode;
}

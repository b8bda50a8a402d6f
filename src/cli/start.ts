import { Command, Option } from "commander";
import type { Errand } from "../sdk/errand.ts";
import type { JobSpec } from "../sdk/specTypes.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { startError } from "./ending.ts";
import { usageError } from "./exitCodes.ts";
import { inputStream } from "./input.ts";
import { type JobOptions, jobSpec, withJobOptions } from "./jobOptions.ts";
import { printJson } from "./print.ts";
import { refuseStdinAtTerminal, withTerminal } from "./runTerminal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Program } from "./verbs.ts";
import { waitForEnd } from "./waitForEnd.ts";

interface StartOptions extends JobOptions, ConnectionOptions {
  readonly stdin?: "none" | "inherit";
  readonly tty?: true;
  readonly detached?: true;
  /** False when it is to end with the server. */
  readonly survive: boolean;
  readonly idempotencyKey?: string;
  readonly wait?: true;
  readonly json?: true;
}

/** A server takes bodies of 8 MiB, and base64 makes four bytes of three. */
const mostStdinBytes = 5 * 1024 * 1024;

const about = `
Prints the job's id as soon as the command has been executed. The job runs on, and what it writes is kept:
errand logs, errand wait, errand ps.

Exit code: 0 when it was started; 127 it was not found; 126 it cannot be executed; 125 Errand's own failure. With --wait as
errand wait.

Examples:
  errand start -- ./nightly.sh
  errand start --alias backup --timeout 2h --callback https://ops.example/hook -- ./backup.sh
  errand logs -f "$(errand start --shell 'sleep 5; echo done')"`;

/** The verb `start`. */
export function startCommand(surroundings: Surroundings, { endWith }: Program): Command {
  const command = new Command("start")
    .usage("[options] -- <command> [arguments...]")
    .description("Starts a command in the background on the server, and prints its id.")
    .argument("[command...]", "program and arguments")
    .passThroughOptions()
    .addOption(
      new Option(
        "--stdin <source>",
        "inherit: all that comes in here is read first and given to it, 5 MiB at most; none: nothing (default)",
      ).choices(["none", "inherit"]),
    )
    .option("-t, --tty", "give it a terminal, for errand attach")
    .option("--no-survive", "let it end with the server; without this it goes on when the server ends")
    .option("--detached", "let it go: it gets nothing but its start, and nothing more is known of it")
    .option("--idempotency-key <key>", "the same key with the same command gives the same job, for a day")
    .option("--wait", "wait for its end, and end with its exit code")
    .option("--json", "print the job instead of its id");
  withConnection(withJobOptions(command));
  return command.addHelpText("after", about).action(async (words: string[], options: StartOptions) => {
    endWith(await start(words, options, surroundings));
  });
}

async function start(
  words: readonly string[],
  options: StartOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { json, wait, detached, survive, stdin, tty, idempotencyKey } = options;
  if (detached && wait)
    throw usageError("--detached and --wait: nothing is known of the end of a job that was let go");
  if (detached && !survive)
    throw usageError("--detached and --no-survive: a job that was let go does not end with the server");
  if (tty) refuseStdinAtTerminal(stdin);
  const wanted = jobSpec(words, options, surroundings.variables);
  const spec: JobSpec = {
    ...(tty ? withTerminal(wanted, surroundings) : wanted),
    mode: detached ? "detached" : "background",
    ...(survive ? {} : { survive: false }),
    // What was typed wins over the file.
    ...(stdin === "none" ? { stdin: undefined } : {}),
    ...(stdin === "inherit" ? { stdin: { base64: await readAll() } } : {}),
  };
  const errand = connect(options, surroundings);
  const job = await begin(errand, spec, idempotencyKey);
  if (!json) await surroundings.stdout.write(`${job.id}\n`);
  else if (!wait) await printJson(surroundings, job.record ?? (await job.get()));
  if (!wait) return 0;
  return await waitForEnd(job, { json: json === true }, surroundings);
}

function begin(errand: Errand, spec: JobSpec, idempotencyKey: string | undefined) {
  return errand.start(spec, { idempotencyKey }).catch((error: unknown) => {
    throw startError(error);
  });
}

async function readAll(): Promise<string> {
  const pieces: Uint8Array[] = [];
  let count = 0;
  for await (const piece of inputStream(0)) {
    pieces.push(piece);
    count += piece.byteLength;
    if (count > mostStdinBytes)
      throw usageError(
        "--stdin: more than 5 MiB came",
        "errand run passes on any amount; errand start takes it whole.",
      );
  }
  return Buffer.concat(pieces).toString("base64");
}

import { Command } from "commander";
import type { JobEvent } from "../sdk/eventTypes.ts";
import type { Job } from "../sdk/job.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { type EventPrinter, JsonPrinter, PlainPrinter } from "./eventPrinter.ts";
import { QuietOutput } from "./quietOutput.ts";
import type { Surroundings } from "./surroundings.ts";
import { TailBuffer } from "./tailBuffer.ts";
import { wholeNumber } from "./values.ts";

interface LogsOptions extends ConnectionOptions {
  readonly follow?: true;
  readonly stdout?: true;
  readonly stderr?: true;
  readonly tail?: number;
  readonly since?: string;
  readonly json?: true;
}

/** Where to go on reading, and whether there is anything more. */
interface Place {
  readonly cursor: string | undefined;
  readonly isEnd: boolean;
}

const mostLines = 1_000_000;

const about = `
What the job wrote to stdout goes to stdout, what it wrote to stderr to stderr, byte for byte and in the order of writing. A
terminal is not shown what it would answer, such as questions for its colours.

Exit code: 0 when all that was asked for has been printed, however the job ended; errand wait tells that.

Examples:
  errand logs "$id"
  errand logs -f --tail 20 "$id"
  errand logs --stdout "$id" >result.bin`;

/** The verb `logs`. */
export function logsCommand(surroundings: Surroundings): Command {
  const command = new Command("logs")
    .description("Prints what a job has written so far.")
    .argument("<id>", "of the job")
    .option("-f, --follow", "go on until the job ends")
    .option("--stdout", "stdout alone")
    .option("--stderr", "stderr alone")
    .option("--tail <count>", "only the last so many lines", wholeNumber(0, mostLines))
    .option("--since <cursor>", "only what came after this event; --json tells the cursors")
    .option("--json", "print the events as lines of JSON");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (id: string, options: LogsOptions) => {
      await logs(connect(options, surroundings).job(id), options, surroundings);
    });
}

async function logs(job: Job, options: LogsOptions, surroundings: Surroundings): Promise<void> {
  const { stdout, stderr, isTerminal } = surroundings;
  const wants = wanted(options);
  const printer: EventPrinter =
    options.json === true
      ? new JsonPrinter(stdout)
      : new PlainPrinter({
          stdout: wants("stdout") ? (isTerminal(1) ? new QuietOutput(stdout) : stdout) : null,
          stderr: wants("stderr") ? (isTerminal(2) ? new QuietOutput(stderr) : stderr) : null,
        });
  const place = await printTail(job, printer, options);
  if (!place.isEnd) {
    for await (const event of job.events({ cursor: place.cursor, follow: options.follow === true }))
      if (isWanted(event, wants)) await printer.print(event);
  }
  const missed = printer.missed();
  if (missed !== null) await stderr.write(`errand: the output is not whole: ${missed}\n`);
}

type Wants = (stream: "stdout" | "stderr") => boolean;

/** Neither of the two options means both streams, and so do both. */
function wanted({ stdout, stderr }: LogsOptions): Wants {
  const isOne = (stdout === true) !== (stderr === true);
  return (stream) => !isOne || (stream === "stdout") === (stdout === true);
}

function isWanted(event: JobEvent, wants: Wants): boolean {
  if (event.type === "stdout" || event.type === "stderr") return wants(event.type);
  return event.type !== "gap" || wants(event.stream);
}

/** With `--tail`: prints the last lines of what is there by now. */
async function printTail(job: Job, printer: EventPrinter, options: LogsOptions): Promise<Place> {
  const { since, tail, follow } = options;
  if (tail === undefined) return { cursor: since, isEnd: false };
  const wants = wanted(options);
  const buffer = new TailBuffer(tail);
  let cursor = since;
  let last: JobEvent | null = null;
  for await (const event of job.events({ cursor, follow: false })) {
    cursor = event.cursor;
    last = event;
    if ((event.type === "stdout" || event.type === "stderr") && wants(event.type)) buffer.add(event);
  }
  for (const event of buffer.take()) await printer.print(event);
  if (last?.type === "ended") await printer.print(last);
  return { cursor, isEnd: last?.type === "ended" || follow !== true };
}

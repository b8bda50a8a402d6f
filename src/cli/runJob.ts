import type { Errand } from "../sdk/errand.ts";
import { Cancelled, ErrandError, StreamCut } from "../sdk/errors.ts";
import type { Job } from "../sdk/job.ts";
import type { JobRecord } from "../sdk/jobTypes.ts";
import type { JobSpec } from "../sdk/specTypes.ts";
import { endingOf, startError } from "./ending.ts";
import { type EventPrinter, JsonPrinter, PlainPrinter } from "./eventPrinter.ts";
import { CliError, exitCodes } from "./exitCodes.ts";
import { InputFailed, inputStream } from "./input.ts";
import { Progress } from "./progress.ts";
import { SignalRelay } from "./signalRelay.ts";
import type { Surroundings } from "./surroundings.ts";

/** When this program cannot go on, the command is not left behind. */
const abandonGraceSeconds = 0.5;
const abandonSeconds = 3;

/** What to run. With stdin "open" it reads ours. */
interface Wanted {
  readonly spec: JobSpec;
  readonly json: boolean;
}

/** Runs a command as if it ran here, and gives the exit code. */
export async function runJob(errand: Errand, wanted: Wanted, surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  const relay = new SignalRelay(stderr);
  const progress = new Progress(surroundings, () => "waiting for the command to be started");
  try {
    const signal = relay.givenUp;
    const job = await errand.start(wanted.spec, { signal }).catch((error: unknown) => {
      throw error instanceof Cancelled ? givenUp() : startError(error);
    });
    relay.attach(job);
    const unread = new AbortController();
    if (wanted.spec.stdin === "open") feed(job, surroundings, unread);
    const printer = wanted.json ? new JsonPrinter(stdout) : new PlainPrinter({ stdout, stderr });
    const record = await follow(job, { printer, progress, signal, unread: unread.signal });
    return await finish(record, printer, surroundings);
  } finally {
    await progress.end();
    relay.end();
  }
}

function givenUp(): CliError {
  const message = "given up before the server had answered; the command may have been started";
  return new CliError(exitCodes.ownFailure, message, "errand ps");
}

/** Runs beside the output, and ends with the command at the latest. `unread` is told of what cannot be read. */
function feed(job: Job, { stderr }: Surroundings, unread: AbortController): void {
  inputStream(0)
    .pipeTo(job.stdin())
    .catch((error: unknown) => {
      if (error instanceof InputFailed) unread.abort(error);
      // It reads no more, as `head` does; the end of a connection is told by the events.
      if (!(error instanceof ErrandError) || ["stdin-closed", "not-found"].includes(error.code)) return;
      stderr.write(`errand: stdin: ${error.message}\n`).catch(() => {});
    });
}

interface Following {
  readonly printer: EventPrinter;
  readonly progress: Progress;
  /** Nobody wants to wait any longer. */
  readonly signal: AbortSignal;
  /** The command waits for input that cannot be read. */
  readonly unread: AbortSignal;
}

async function follow(job: Job, { printer, progress, signal, unread }: Following): Promise<JobRecord> {
  try {
    for await (const event of job.events({ signal: AbortSignal.any([signal, unread]) })) {
      if (event.type === "started" || event.type === "ended") await progress.end();
      await printer.print(event);
      if (event.type === "ended") return event.job;
    }
  } catch (error) {
    await abandon(job, error, signal);
    throw unread.aborted ? unread.reason : error;
  }
  throw new CliError(exitCodes.ownFailure, `the events of job ${job.id} ended before it`);
}

/** Output that cannot be written, input that cannot be read, or a user who has given up: what the command still does is for nobody. */
async function abandon(job: Job, error: unknown, { aborted }: AbortSignal): Promise<void> {
  if (error instanceof ErrandError || error instanceof StreamCut) return;
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

import { joined } from "./bytes.ts";
import { textOf } from "./captured.ts";
import { Cancelled, CommandFailed, ErrandError, StreamCut } from "./errors.ts";
import type { EndedEvent } from "./eventTypes.ts";
import type { Job } from "./job.ts";
import type { RunOptions } from "./options.ts";
import type { RunResult } from "./runResult.ts";
import type { JobSpec } from "./specTypes.ts";
import { startJob } from "./start.ts";
import type { Transport } from "./transport.ts";

const defaultCaptureBytes = 64 * 1024 * 1024;

/** What a spec may say. */
const mostKillAfterSeconds = 86_400;

/** Runs a command to its end and collects what it writes. */
export async function runCommand(
  transport: Transport,
  command: readonly string[] | JobSpec,
  { check = true, captureBytes = defaultCaptureBytes, idempotencyKey, signal }: RunOptions,
): Promise<RunResult> {
  const spec = specOf(command, transport.reconnectSeconds);
  const capture = new Capture(captureBytes);
  const job = await startJob(transport, spec, { idempotencyKey, signal });
  try {
    const ended = await collect(job, capture, signal);
    const result = resultOf(ended, capture);
    if (check && !result.outcome.success) throw new CommandFailed(result);
    return result;
  } catch (error) {
    if (error instanceof Cancelled) await abandon(job);
    if (!(error instanceof StreamCut)) throw error;
    const { message, jobId, received, cause } = error;
    throw new StreamCut(message, { jobId, received, cause, partial: capture.output() });
  }
}

function specOf(command: readonly string[] | JobSpec, reconnectSeconds: number): JobSpec {
  const spec: JobSpec = isList(command) ? { command } : command;
  if (spec.mode === "detached") throw new TypeError("mode: nothing is known of the end of a detached job");
  if (spec.stdin === "open") throw new TypeError("stdin: nobody would write it; give all of it");
  if (spec.mode === "background") return spec;
  // It waits as long as this client tries to come back.
  const killAfterSeconds = Math.min(reconnectSeconds, mostKillAfterSeconds);
  const onDisconnect = killAfterSeconds > 0 ? { killAfterSeconds } : "kill";
  return { ...spec, mode: "attached", onDisconnect: spec.onDisconnect ?? onDisconnect };
}

function isList(command: readonly string[] | JobSpec): command is readonly string[] {
  return Array.isArray(command);
}

async function collect(job: Job, capture: Capture, signal: AbortSignal | undefined): Promise<EndedEvent> {
  for await (const event of job.events({ signal })) {
    if (event.type === "ended") return event;
    if (event.type === "gap") capture.isTruncated = true;
    else if (event.type !== "started") capture.add(event.type, event.bytes);
  }
  throw new TypeError("the events end with the end of the job");
}

function emptyStream(): { readonly pieces: Uint8Array[]; bytes: number } {
  return { pieces: [], bytes: 0 };
}

/** The output so far, within its limit. */
class Capture {
  isTruncated = false;
  readonly #most: number;
  readonly #streams = { stdout: emptyStream(), stderr: emptyStream() };

  constructor(most: number) {
    if (!(most >= 0)) throw new RangeError("captureBytes: a number of bytes is needed");
    this.#most = most;
  }

  add(name: "stdout" | "stderr", bytes: Uint8Array): void {
    const stream = this.#streams[name];
    const kept = bytes.subarray(0, Math.max(0, this.#most - stream.bytes));
    if (kept.byteLength < bytes.byteLength) this.isTruncated = true;
    if (kept.byteLength > 0) stream.pieces.push(kept);
    stream.bytes += kept.byteLength;
  }

  output() {
    const stdoutBytes = joined(this.#streams.stdout.pieces);
    const stderrBytes = joined(this.#streams.stderr.pieces);
    return { stdout: textOf(stdoutBytes), stderr: textOf(stderrBytes), stdoutBytes, stderrBytes };
  }
}

function resultOf({ outcome, job }: EndedEvent, capture: Capture): RunResult {
  // It waited in a queue, and then could not be started.
  if (outcome === null) throw startFailed(job.failure);
  const truncated = capture.isTruncated || job.stdout.truncated || job.stderr.truncated;
  return { ...capture.output(), truncated, outcome, job };
}

function startFailed(failure: string | null): ErrandError {
  return new ErrandError({
    ...{ code: "start-failed", status: 422, detail: failure ?? "the job never ran" },
    ...{ field: null, retryAfterSeconds: null },
  });
}

/** A command whose caller has gone is not left to run. */
const abandonGraceSeconds = 0.5;
/** The caller has waited long enough; the server stops it all the same. */
const abandonSeconds = 2;

async function abandon(job: Job): Promise<void> {
  const signal = AbortSignal.timeout(abandonSeconds * 1_000);
  await job.stop({ graceSeconds: abandonGraceSeconds, signal }).catch(() => undefined);
}

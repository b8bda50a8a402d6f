import type { RunResult } from "./runResult.ts";

/** What an answer says that refuses a call. */
export interface Refusal {
  /** Stable: docs/errors.md of the server explains each. */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** What was wrong and what is allowed. */
  readonly detail: string;
  /** The field of the spec that was refused. */
  readonly field: string | null;
  /** When trying again makes sense. */
  readonly retryAfterSeconds: number | null;
}

/** The server said no. */
export class ErrandError extends Error implements Refusal {
  override readonly name = "ErrandError";
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly field: string | null;
  readonly retryAfterSeconds: number | null;

  constructor({ code, status, detail, field, retryAfterSeconds }: Refusal) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.field = field;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer, or none of an Errand server. What was asked for may have been done all the same. */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
}

/** What had come of a stream before it was cut. */
export interface Received {
  /** The last one; goes on there with `job.events({ cursor })`. */
  readonly cursor: string | null;
  /** Offset behind the last byte that came. */
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
}

/** A stream has ended before its job, and could not be resumed. The command may run on. */
export class StreamCut extends ConnectionError {
  override readonly name = "StreamCut";
  readonly jobId: string;
  readonly received: Received;
  /** The output so far of a `run`; else null. */
  readonly partial: Pick<RunResult, "stdout" | "stderr" | "stdoutBytes" | "stderrBytes"> | null;

  constructor(
    message: string,
    {
      jobId,
      received,
      partial = null,
      cause,
    }: Pick<StreamCut, "jobId" | "received"> & Partial<Pick<StreamCut, "partial" | "cause">>,
  ) {
    super(message, { cause });
    this.jobId = jobId;
    this.received = received;
    this.partial = partial;
  }
}

/** The caller's `AbortSignal` ended the call; `cause` is its reason. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** A command has ended without success. `result` is what `run` would have given. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly result: RunResult;

  constructor(result: RunResult) {
    super(messageOf(result));
    this.result = result;
  }
}

function messageOf({ outcome: { reason, code, signal }, job }: RunResult): string {
  const how = code === null ? (signal === null ? "" : ` by ${signal}`) : ` with code ${code}`;
  return `${job.command.join(" ")}: ${reason}${how}`;
}

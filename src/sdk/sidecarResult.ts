/** What a command that was waited for has left. */
export interface ShellOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Such as `SIGTERM`; null when it exited. */
  readonly signal: string | null;
  readonly jobId: string;
  /** There when stdout or stderr is not whole; the job has kept more. */
  readonly truncated?: true;
}

/** What is known of a command that was not waited for. */
export interface ShellStarted {
  readonly jobId: string;
}

/** An answer: the HTTP status and the fields of its body. */
export interface SidecarResult<Data> {
  readonly status: number;
  readonly ok: boolean;
  /** Says what went wrong; empty when nothing did. */
  readonly message: string;
  readonly data: Data;
}

/** `refused`: the server said no; `timeout`: no answer in time; `unreachable`: no answer, or none of a Sidecar. */
export type SidecarErrorKind = "refused" | "timeout" | "unreachable";

interface ErrorDetails {
  readonly status?: number;
  readonly result?: SidecarResult<unknown>;
  readonly cause?: unknown;
}

/** A call that has no result. After `timeout` and `unreachable` the command may run all the same. */
export class SidecarError extends Error {
  override readonly name = "SidecarError";
  readonly kind: SidecarErrorKind;
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The answer's fields; null when there was no answer, or none of a Sidecar. */
  readonly result: SidecarResult<unknown> | null;

  constructor(kind: SidecarErrorKind, message: string, { status, result, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.status = status ?? null;
    this.result = result ?? null;
  }
}

/** The fields of an answer; null when its body is not of the Sidecar's form. */
export function readResult(status: number, body: string): SidecarResult<unknown> | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("data" in value)) return null;
  const { data } = value;
  const ok = "ok" in value ? value.ok : undefined;
  const message = "message" in value ? value.message : undefined;
  if (typeof ok !== "boolean" || typeof message !== "string") return null;
  return { status, ok, message, data };
}

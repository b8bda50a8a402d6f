import type { ErrandError } from "../../core/errors.ts";
import type { Job, JobId } from "../../core/job.ts";
import { sidecarStatuses } from "./errors.ts";
import type { OutputText } from "./outputText.ts";

/** Status and body of an answer. */
export interface Envelope {
  readonly status: number;
  readonly text: string;
}

/** Tells a command that runs. */
export function encodeStarted(jobId: JobId): Envelope {
  return success({ jobId });
}

/** Tells how a command ended. One that failed is told as well: it ran. */
export function encodeEnded(job: Job, stdout: OutputText, stderr: OutputText): Envelope {
  const { code, signal } = job.state === "ended" || job.state === "lost" ? job.outcome : unknownEnd;
  const truncated = stdout.truncated || stderr.truncated ? { truncated: true } : {};
  return success({
    ...{ stderr: stderr.text, stdout: stdout.text },
    ...{ exitCode: code, signal, jobId: job.id, ...truncated },
  });
}

/** Tells an error. */
export function encodeError(error: ErrandError): Envelope {
  const text = JSON.stringify({ data: null, message: error.message, ok: false });
  return { status: sidecarStatuses[error.code], text };
}

const unknownEnd = { code: null, signal: null };

function success(data: Readonly<Record<string, unknown>>): Envelope {
  return { status: 200, text: JSON.stringify({ data, message: "", ok: true }) };
}

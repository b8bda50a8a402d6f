import { constants } from "node:os";
import type { EndedJob, Job, JobId, Outcome } from "../../core/job.ts";
import type { Attributes } from "./tags.ts";

/** What a job is called in an answer. */
export interface JobName {
  /** Of async answers; null in all others. */
  readonly id: JobId | null;
  /** As it was requested. */
  readonly command: string;
}

type Status = "ok" | "fail" | "running" | "detached" | "killed" | "error";

/** A command that has just been started, whatever has become of it by now. */
export function encodeStarted(
  job: Job,
  status: "running" | "detached",
  { id, command }: JobName,
): Attributes {
  return { status, id, command, start: "startedAt" in job ? time(job.startedAt) : null };
}

/** A job that is told without output: it has not ended, or nobody saw its end. */
export function encodeUnended(job: Exclude<Job, EndedJob>, { id, command }: JobName): Attributes {
  switch (job.state) {
    case "queued":
    case "starting":
    case "running":
      return encodeStarted(job, "running", { id, command });
    case "detached":
      return encodeStarted(job, "detached", { id, command });
    case "failed":
      return { status: "error", id, command, detail: job.failure };
    case "lost":
      return { status: "error", id, command, start: time(job.startedAt), detail: lost(job.outcome) };
  }
}

/** A job that has ended. */
export function encodeEnded(job: EndedJob, { id, command }: JobName): Attributes {
  const { outcome } = job;
  return {
    status: statusOf(outcome),
    ...{ id, command, result: resultOf(outcome) },
    ...{ start: time(job.startedAt), stop: time(job.endedAt), duration: job.durationNanoseconds },
    detail: outcome.reason === "lost" ? lost(outcome) : cutOf(job),
  };
}

/** True when the answer of an ended job has output. */
export function hasOutput({ outcome }: EndedJob): boolean {
  return statusOf(outcome) !== "error";
}

function statusOf({ reason, success }: Outcome): Status {
  switch (reason) {
    case "exited":
      return success ? "ok" : "fail";
    case "signaled":
      return "fail";
    case "stopped":
    case "disconnected":
    case "shutdown":
    case "timeout":
    case "idle":
    case "output-limit":
      return "killed";
    case "lost":
      return "error";
  }
}

const signalNumbers: Readonly<Record<string, number | undefined>> = constants.signals;
/** What a shell adds to the number of a signal. */
const signalBase = 128;

/** The exit code, or what a shell makes of a signal; null when neither is known. */
function resultOf({ code, signal }: Outcome): number | null {
  if (signal === null) return code;
  // A signal without a name is written with its number.
  const number = signalNumbers[signal] ?? Number.parseInt(signal.slice("SIG".length), 10);
  return Number.isNaN(number) ? null : signalBase + number;
}

/** That not all of the output is kept; null when all of it is. */
function cutOf({ output }: EndedJob): string | null {
  const cut = (["stdout", "stderr"] as const).filter((stream) => output[stream].truncated);
  return cut.length === 0 ? null : `of ${cut.join(" and ")} the beginning alone is kept`;
}

function lost({ detail }: Outcome): string {
  return `the job is lost: ${detail}`;
}

function time(wall: number | null): string | null {
  return wall === null ? null : new Date(wall).toISOString();
}

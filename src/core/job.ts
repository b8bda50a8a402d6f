/** A job's id: a 63-bit, time-ordered integer as a decimal string. */
export type JobId = string;

/** What to run and how, as a door has decoded it. */
export interface JobSpec {
  /** Program and arguments; never passed through a shell. At least one element. */
  readonly command: readonly [string, ...string[]];
  /** Working directory; null is the server's own. A relative one is relative to that. */
  readonly cwd: string | null;
  /** Added to the configured environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Only one job per alias runs at a time. */
  readonly alias: string | null;
}

/** How the leader of a tree ended. One of the two is null. */
export type Exit =
  | { readonly code: number; readonly signal: null }
  | { readonly code: null; readonly signal: string };

/** Why the server stopped a job. */
export type StopReason = "stopped" | "disconnected" | "shutdown";

/** How a job ended. `code` and `signal` are both null when it is not known. */
export interface Outcome {
  readonly reason: "exited" | "signaled" | StopReason | "lost";
  readonly code: number | null;
  readonly signal: string | null;
  readonly success: boolean;
  readonly detail: string | null;
}

/** What is known of a job's output when it has ended. */
export interface OutputSummary {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** The last bytes of stderr, decoded as UTF-8 with replacement characters. */
  readonly stderrTail: string;
}

interface JobBase {
  readonly id: JobId;
  readonly node: string;
  /** Name of the principal that started it, and through which door; null when no record of it was written in time. */
  readonly owner: string | null;
  readonly door: string | null;
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly alias: string | null;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
}

export interface StartingJob extends JobBase {
  readonly state: "starting";
}

export interface RunningJob extends JobBase {
  readonly state: "running";
  readonly startedAt: number;
  /** Nanoseconds of the monotonic clock. */
  readonly startedMonotonic: number;
  readonly pid: number;
  /** The first reason that the server had to stop it; null while it runs freely. */
  readonly stop: StopReason | null;
  /** The leader's end, once known; the job runs until its output is drained. */
  readonly exit: Exit | null;
}

export interface EndedJob extends JobBase {
  readonly state: "ended";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationNanoseconds: number;
  readonly pid: number;
  readonly outcome: Outcome;
  readonly output: OutputSummary;
}

/** It never ran. */
export interface FailedJob extends JobBase {
  readonly state: "failed";
  readonly endedAt: number;
  readonly failure: string;
}

/** The server that ran it is gone and nobody can tell how it ended. */
export interface LostJob extends JobBase {
  readonly state: "lost";
  readonly startedAt: number | null;
  readonly pid: number | null;
  readonly outcome: Outcome;
}

/** A job in one of its states; each variant has just the fields that exist in that state. */
export type Job = StartingJob | RunningJob | EndedJob | FailedJob | LostJob;
export type JobState = Job["state"];

/** All states, in the order of a job's life. */
export const jobStates = ["starting", "running", "ended", "failed", "lost"] as const satisfies JobState[];

/** True while a job may still change and holds its alias. */
export function isLive(job: Job): job is StartingJob | RunningJob {
  return job.state === "starting" || job.state === "running";
}

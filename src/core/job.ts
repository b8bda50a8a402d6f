/** A job's id: a 63-bit, time-ordered integer as a decimal string. */
export type JobId = string;

/** `attached`: bound to the request that started it; `background`: runs on, ask for it later; `detached`: let go. */
export type JobMode = "attached" | "background" | "detached";

/** What happens to descendants that outlive the command. */
export type LeftoverPolicy = "leave" | "stop";

/** The events of a job's life that a callback can tell. */
export const callbackEvents = ["job.started", "job.ended"] as const;
export type CallbackEvent = (typeof callbackEvents)[number];

/** Whom to tell about a job, of what, and in the form of which door. */
export interface CallbackRequest {
  readonly url: string;
  readonly events: readonly CallbackEvent[];
  readonly form: "v1" | "sidecar";
}

/** What happens to a start while another job has the alias. */
export type AliasPolicy = "reject" | "queue" | "join" | "replace";

/** What happens to a job when the last client that follows it has gone. */
export type DisconnectPolicy = "kill" | "detach" | { readonly killAfterSeconds: number };

/** The size of a terminal in characters. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** What to run and how, as a door has decoded it. */
export interface JobSpec {
  /** Program and arguments; never passed through a shell. At least one element. */
  readonly command: readonly [string, ...string[]];
  /** Working directory; null is the server's own. A relative one is relative to that. */
  readonly cwd: string | null;
  /** Added to the configured environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Only one job per alias runs at a time. A detached job has none. */
  readonly alias: string | null;
  readonly aliasPolicy: AliasPolicy;
  readonly mode: JobMode;
  readonly onDisconnect: DisconnectPolicy;
  /** A background job that goes on when the server ends, however that ends. */
  readonly survive: boolean;
  /** The command has a terminal of this size, whose output is stdout, and whose input is open; null: pipes. */
  readonly tty: TerminalSize | null;
  readonly labels: Readonly<Record<string, string>>;
  /** All that the command can read; null is nothing, `open` is what will be written later. */
  readonly stdin: Uint8Array | "open" | null;
  /** stderr goes into stdout, in the order of writing. */
  readonly mergeOutput: boolean;
  /** What the command writes there is thrown away, uncounted. */
  readonly discardStdout: boolean;
  readonly discardStderr: boolean;
  /** The size of each read of a stream, 1 to 65,536 bytes; null leaves it to the server. */
  readonly stdoutReadBytes: number | null;
  readonly stderrReadBytes: number | null;
  readonly leftovers: LeftoverPolicy;
  readonly successExitCodes: readonly number[];
  /** Longest run. */
  readonly runTimeoutSeconds: number | null;
  /** Longest silence on stdout and stderr together. */
  readonly idleTimeoutSeconds: number | null;
  /** From TERM to KILL when a timeout or a limit stops it; null is the server's `stopGraceSeconds`. */
  readonly stopGraceSeconds: number | null;
  /** How long the record and the output are kept after the end; null is the server's `retainSeconds`. */
  readonly retainSeconds: number | null;
  /** With more output than this, both streams together, the job is stopped; null: it runs on. */
  readonly outputBytes: number | null;
  readonly callback: CallbackRequest | null;
}

/** What a spec says where a door has no words for it. */
export const plainSpec = {
  cwd: null,
  env: {},
  alias: null,
  aliasPolicy: "reject",
  mode: "attached",
  onDisconnect: "kill",
  survive: false,
  tty: null,
  labels: {},
  stdin: null,
  mergeOutput: false,
  discardStdout: false,
  discardStderr: false,
  stdoutReadBytes: null,
  stderrReadBytes: null,
  leftovers: "leave",
  successExitCodes: [0],
  runTimeoutSeconds: null,
  idleTimeoutSeconds: null,
  stopGraceSeconds: null,
  retainSeconds: null,
  outputBytes: null,
  callback: null,
} as const satisfies Omit<JobSpec, "command">;

/** How the leader of a tree ended. One of the two is null. */
export type Exit =
  | { readonly code: number; readonly signal: null }
  | { readonly code: null; readonly signal: string };

/** Why the server stopped a job. */
export type StopReason = "stopped" | "disconnected" | "shutdown" | LimitReason;

/** Which of its own limits a job has reached. */
export type LimitReason = "timeout" | "idle" | "output-limit";

/** How a job ended. `code` and `signal` are both null when it is not known. */
export interface Outcome {
  readonly reason: "exited" | "signaled" | StopReason | "lost";
  readonly code: number | null;
  readonly signal: string | null;
  readonly success: boolean;
  readonly detail: string | null;
}

/** What is known of one stream when the job has ended. */
export interface StreamSummary {
  /** Bytes that came; null when nobody counted them. */
  readonly bytes: number | null;
  /** Offset of the first byte that is kept; equal to `bytes` when nothing is. */
  readonly keptFrom: number | null;
  /** True when bytes were thrown away after the last one that is kept. */
  readonly truncated: boolean;
}

/** What is known of a job's output when it has ended. */
export interface OutputSummary {
  readonly stdout: StreamSummary;
  readonly stderr: StreamSummary;
  /** The last bytes of stderr, decoded as UTF-8 with replacement characters. */
  readonly stderrTail: string;
  /** What the job's files take on the disk; 0 when it has none. */
  readonly storedBytes: number;
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
  readonly mode: JobMode;
  readonly survive: boolean;
  /** Its size at the start; null: it has no terminal. */
  readonly tty: TerminalSize | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly leftovers: LeftoverPolicy;
  readonly successExitCodes: readonly number[];
  /** How long it is kept after its end. */
  readonly retainSeconds: number;
  readonly callback: CallbackRequest | null;
  /** Who started it was told that it waits for its turn: only callbacks can tell that it then could not be started. */
  readonly waited?: true;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
}

/** It waits for its alias. */
export interface QueuedJob extends JobBase {
  readonly state: "queued";
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

/** How a job has ended, as its record says. */
export type JobEnd = Pick<
  EndedJob,
  "startedAt" | "endedAt" | "durationNanoseconds" | "pid" | "outcome" | "output"
>;

/** It never ran. */
export interface FailedJob extends JobBase {
  readonly state: "failed";
  readonly endedAt: number;
  readonly failure: string;
}

/** Started and let go: nothing else is known of it. */
export interface DetachedJob extends JobBase {
  readonly state: "detached";
  readonly startedAt: number;
  readonly pid: number;
}

/** The server that ran it is gone and nobody can tell how it ended. */
export interface LostJob extends JobBase {
  readonly state: "lost";
  readonly startedAt: number | null;
  readonly pid: number | null;
  /** When it was found to be lost. */
  readonly lostAt: number;
  readonly outcome: Outcome;
  /** Of what was kept; null when nothing was. */
  readonly output: OutputSummary | null;
}

/** A job in one of its states; each variant has just the fields that exist in that state. */
export type Job = QueuedJob | StartingJob | RunningJob | EndedJob | FailedJob | DetachedJob | LostJob;
export type JobState = Job["state"];

/** All states, in the order of a job's life. */
export const jobStates = [
  "queued",
  "starting",
  "running",
  "ended",
  "failed",
  "detached",
  "lost",
] as const satisfies JobState[];

/** True while a job may still change and holds its alias. */
export function isLive(job: Job): job is QueuedJob | StartingJob | RunningJob {
  return job.state === "queued" || job.state === "starting" || job.state === "running";
}

/** When its record and its output go; null while it lives. */
export function expiresAt(job: Job): number | null {
  switch (job.state) {
    case "queued":
    case "starting":
    case "running":
      return null;
    case "ended":
    case "failed":
      return job.endedAt + job.retainSeconds * 1_000;
    case "detached":
      return job.startedAt + job.retainSeconds * 1_000;
    case "lost":
      return job.lostAt + job.retainSeconds * 1_000;
  }
}

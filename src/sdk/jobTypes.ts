import type { TerminalSize } from "./attachTypes.ts";

// Plain types instead of those of the schemas: the package must not ask for the library that the schemas are made with.

/** Why a job ended. */
export type OutcomeReason =
  | "exited"
  | "signaled"
  | "timeout"
  | "idle"
  | "stopped"
  | "disconnected"
  | "shutdown"
  | "output-limit"
  | "lost";

/** How a job ended. One of `code` and `signal` is null, both when it is not known. */
export interface Outcome {
  readonly reason: OutcomeReason;
  /** The exit code. */
  readonly code: number | null;
  /** Such as `SIGTERM`. */
  readonly signal: string | null;
  /** It exited by itself, with one of its `successExitCodes`. */
  readonly success: boolean;
  /** What could not be done. */
  readonly detail: string | null;
}

export type JobState = "queued" | "starting" | "running" | "ended" | "failed" | "detached" | "lost";

export type JobMode = "attached" | "background" | "detached";

/** What is known of stdout or stderr. */
export interface OutputStream {
  /** Bytes that came; null when nobody counted, and while the job runs. */
  readonly bytes: number | null;
  /** Offset of the first byte that is kept. */
  readonly keptFrom: number | null;
  /** Bytes after the kept ones were thrown away. */
  readonly truncated: boolean;
}

/** A `job.started` or `job.ended` that is to be told to the job's callback URL. */
export interface Delivery {
  readonly id: string;
  readonly event: CallbackEvent;
  readonly state: "pending" | "delivered" | "failed" | "disabled";
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly lastAttemptAt: string | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export type CallbackEvent = "job.started" | "job.ended";

/** Whom to tell, and what became of it. */
export interface Callback {
  readonly url: string;
  readonly events: readonly CallbackEvent[];
  readonly deliveries: readonly Delivery[];
}

/** What the server tells of a job. Times are RFC 3339. */
export interface JobRecord {
  readonly id: string;
  readonly node: string;
  readonly alias: string | null;
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly mode: JobMode;
  readonly survive: boolean;
  /** The size of its terminal at the start; null: it has none. */
  readonly tty: TerminalSize | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly owner: string | null;
  readonly state: JobState;
  /** Null until the end, and for ever when it never ran or was let go. */
  readonly outcome: Outcome | null;
  /** Why it never ran; in state `failed` only. */
  readonly failure: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationNanoseconds: number | null;
  readonly pid: number | null;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** The last 64 KiB of stderr; null while the job runs. */
  readonly stderrTail: string | null;
  readonly leftovers: "leave" | "stop";
  /** When the record and the output go. */
  readonly expiresAt: string | null;
  readonly callback: Callback | null;
}

const overStates: ReadonlySet<JobState> = new Set(["ended", "failed", "detached", "lost"]);

/** True when nothing more is going to be known of the job. */
export function isOver({ state }: Pick<JobRecord, "state">): boolean {
  return overStates.has(state);
}

import type { JobRecord, JobState, Outcome } from "../../../src/sdk/jobTypes.ts";

export const good: Outcome = { reason: "exited", code: 0, signal: null, success: true, detail: null };
export const bad: Outcome = { reason: "exited", code: 3, signal: null, success: false, detail: null };

const unknown = { bytes: null, keptFrom: null, truncated: false };

/** A job as the server tells it. */
export function wireJob(state: JobState = "running", more: Partial<JobRecord> = {}): JobRecord {
  const time = "2031-01-31T12:00:00.000Z";
  return {
    ...{ id: "7", node: "here", alias: null, command: ["make", "all"], cwd: null, mode: "background" },
    ...{ survive: false, tty: null, labels: {}, owner: "local", state, failure: null, createdAt: time },
    ...{ startedAt: time, durationNanoseconds: null, pid: 7, stdout: unknown, stderr: unknown },
    ...{ stderrTail: null, leftovers: "leave", expiresAt: null, callback: null },
    outcome: state === "ended" ? good : null,
    endedAt: state === "ended" ? time : null,
    ...more,
  };
}

/** An ended one that wrote so much. */
export function endedJob(stdoutBytes = 0, stderrBytes = 0, more: Partial<JobRecord> = {}): JobRecord {
  const stream = (bytes: number) => ({ bytes, keptFrom: 0, truncated: false });
  return wireJob("ended", { stdout: stream(stdoutBytes), stderr: stream(stderrBytes), ...more });
}

/** One event as a line. */
export function line(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ cursor: "0-0", ...fields })}\n`;
}

export const started = (cursor = "0-0") => line({ type: "started", cursor, job: wireJob() });

export const text = (cursor: string, offset: number, value: string, type = "stdout") =>
  line({ type, cursor, offset, text: value });

export const ended = (cursor: string, outcome: Outcome | null = good, job = endedJob()) =>
  line({ type: "ended", cursor, outcome, job: { ...job, outcome } });

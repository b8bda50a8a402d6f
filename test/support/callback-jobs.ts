import type { CallbackEvent, CallbackRequest, EndedJob, LostJob, RunningJob } from "../../src/core/job.ts";

/** When these jobs were made. */
export const created = 1_800_000_000_000;
let number = 0;

export const both: readonly CallbackEvent[] = ["job.started", "job.ended"];

/** A running job under a new id that asks for callbacks. */
export function running(
  callback: Partial<CallbackRequest> | null = {},
  { startedAt = created }: { startedAt?: number } = {},
): RunningJob {
  number += 1;
  return {
    id: String(7_000_000_000_000_000_000n + BigInt(number)),
    node: "here",
    owner: "local",
    door: "v1",
    command: ["true"],
    cwd: null,
    alias: null,
    mode: "background",
    survive: false,
    tty: null,
    labels: {},
    leftovers: "leave",
    successExitCodes: [0],
    retainSeconds: 60,
    callback:
      callback === null ? null : { url: "http://receiver.test/a", events: both, form: "v1", ...callback },
    createdAt: startedAt,
    state: "running",
    startedAt,
    startedMonotonic: 0,
    pid: 7,
    stop: null,
    exit: null,
  };
}

const stream = { bytes: 0, keptFrom: 0, truncated: false };

/** The same job, ended. */
export function ended(job: RunningJob, endedAt = job.startedAt + 10): EndedJob {
  const { startedMonotonic: _, stop: _stop, exit: _exit, ...rest } = job;
  return {
    ...rest,
    state: "ended",
    endedAt,
    durationNanoseconds: 1,
    outcome: { reason: "exited", code: 0, signal: null, success: true, detail: null },
    output: { stdout: stream, stderr: stream, stderrTail: "", storedBytes: 0 },
  };
}

/** The same job, lost. */
export function lost(job: RunningJob, { started }: { started: boolean }): LostJob {
  const { startedMonotonic: _, stop: _stop, exit: _exit, ...rest } = job;
  return {
    ...rest,
    state: "lost",
    startedAt: started ? job.startedAt : null,
    pid: null,
    lostAt: job.startedAt + 20,
    outcome: { reason: "lost", code: null, signal: null, success: false, detail: null },
    output: null,
  };
}

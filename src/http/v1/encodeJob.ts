import type { Job, OutputSummary } from "../../core/job.ts";
import type { WireJob } from "../../protocol/job.ts";

/** The job as v1 shows it. `retainSeconds`: how long the record of an ended one is kept. */
export function encodeJob(job: Job, retainSeconds: number): WireJob {
  const endedAt = "endedAt" in job ? job.endedAt : null;
  const output = job.state === "ended" ? job.output : null;
  return {
    id: job.id,
    node: job.node,
    alias: job.alias,
    command: [...job.command],
    cwd: job.cwd,
    mode: "attached",
    survive: false,
    tty: null,
    labels: {},
    owner: job.owner,
    state: job.state,
    outcome: "outcome" in job ? job.outcome : null,
    failure: job.state === "failed" ? job.failure : null,
    createdAt: time(job.createdAt),
    startedAt: "startedAt" in job && job.startedAt !== null ? time(job.startedAt) : null,
    endedAt: endedAt === null ? null : time(endedAt),
    durationNanoseconds: job.state === "ended" ? job.durationNanoseconds : null,
    pid: "pid" in job ? job.pid : null,
    stdout: stream(output, "stdoutBytes"),
    stderr: stream(output, "stderrBytes"),
    stderrTail: output?.stderrTail ?? null,
    leftovers: "leave",
    expiresAt: endedAt === null ? null : time(endedAt + retainSeconds * 1_000),
    callback: null,
  };
}

function time(wall: number): string {
  return new Date(wall).toISOString();
}

/** Attached output goes to its client and is not kept. */
function stream(output: OutputSummary | null, name: "stdoutBytes" | "stderrBytes"): WireJob["stdout"] {
  const bytes = output?.[name] ?? null;
  return { bytes, keptFrom: bytes, truncated: false };
}

import type { Delivery } from "../../core/callbackPorts.ts";
import { expiresAt, type Job, type StreamSummary } from "../../core/job.ts";
import type { WireJob } from "../../protocol/job.ts";

/** The job as v1 shows it. `deliveries`: its callbacks so far. */
export function encodeJob(job: Job, deliveries: readonly Delivery[]): WireJob {
  const output = job.state === "ended" || job.state === "lost" ? job.output : null;
  return {
    id: job.id,
    node: job.node,
    alias: job.alias,
    command: [...job.command],
    cwd: job.cwd,
    mode: job.mode,
    survive: job.survive,
    tty: job.tty,
    labels: { ...job.labels },
    owner: job.owner,
    state: job.state,
    outcome: "outcome" in job ? job.outcome : null,
    failure: job.state === "failed" ? job.failure : null,
    createdAt: time(job.createdAt),
    startedAt: "startedAt" in job ? timeOrNull(job.startedAt) : null,
    endedAt: "endedAt" in job ? time(job.endedAt) : null,
    durationNanoseconds: job.state === "ended" ? job.durationNanoseconds : null,
    pid: "pid" in job ? job.pid : null,
    stdout: stream(output?.stdout),
    stderr: stream(output?.stderr),
    stderrTail: output?.stderrTail ?? null,
    leftovers: job.leftovers,
    expiresAt: timeOrNull(expiresAt(job)),
    callback: encodeCallback(job, deliveries),
  };
}

function encodeCallback({ callback }: Job, deliveries: readonly Delivery[]): WireJob["callback"] {
  if (callback === null) return null;
  return {
    url: callback.url,
    events: [...callback.events],
    deliveries: deliveries.map((delivery) => ({
      id: delivery.id,
      event: delivery.event,
      state: delivery.state,
      attempts: delivery.attempts,
      nextAttemptAt: timeOrNull(delivery.nextAttemptAt),
      lastAttemptAt: timeOrNull(delivery.lastAttemptAt),
      lastStatus: delivery.lastStatus,
      lastError: delivery.lastError,
    })),
  };
}

function time(wall: number): string {
  return new Date(wall).toISOString();
}

function timeOrNull(wall: number | null): string | null {
  return wall === null ? null : time(wall);
}

/** Not known while the job runs. */
const unknown = { bytes: null, keptFrom: null, truncated: false };

function stream(summary: StreamSummary | undefined): WireJob["stdout"] {
  return summary ?? unknown;
}

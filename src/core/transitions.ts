import type {
  EndedJob,
  Exit,
  FailedJob,
  Job,
  JobId,
  JobState,
  LostJob,
  Outcome,
  OutputSummary,
  RunningJob,
  StartingJob,
  StopReason,
} from "./job.ts";

/** A point in time on both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/** What can happen to a job. */
export type JobEvent =
  | { readonly type: "executed"; readonly at: Instant; readonly pid: number }
  | { readonly type: "refused"; readonly at: Instant; readonly failure: string }
  | { readonly type: "stop"; readonly reason: StopReason }
  | { readonly type: "exited"; readonly exit: Exit }
  | {
      readonly type: "finished";
      readonly at: Instant;
      readonly output: OutputSummary;
      readonly detail: string | null;
    }
  | { readonly type: "vanished" };

type EventOf<Type extends JobEvent["type"]> = Extract<JobEvent, { type: Type }>;
type Row<State extends JobState> = {
  readonly [Type in JobEvent["type"]]?: (job: Extract<Job, { state: State }>, event: EventOf<Type>) => Job;
};

/**
 * State × event: the only place that changes a job's state. An event that has no cell in a
 * state's row is a defect of the caller, and `transition` throws.
 */
export const transitionTable: { readonly [State in JobState]: Row<State> } = {
  starting: {
    executed: run,
    refused: fail,
    vanished: lose,
  },
  running: {
    stop: requestStop,
    exited: noteExit,
    finished: finish,
    vanished: lose,
  },
  ended: {},
  failed: {},
  lost: {},
};

/** The job after the event. Throws when the table has no such cell. */
export function transition(job: Job, event: JobEvent): Job {
  const row = transitionTable[job.state] as Record<string, ((job: Job, event: JobEvent) => Job) | undefined>;
  const cell = row[event.type];
  if (cell === undefined) throw new Error(`job ${job.id}: no transition from ${job.state} on ${event.type}`);
  return cell(job, event);
}

function run(job: StartingJob, { at, pid }: EventOf<"executed">): RunningJob {
  return {
    ...job,
    state: "running",
    startedAt: at.wall,
    startedMonotonic: at.monotonic,
    pid,
    stop: null,
    exit: null,
  };
}

function fail(job: StartingJob, { at, failure }: EventOf<"refused">): FailedJob {
  return { ...job, state: "failed", endedAt: at.wall, failure };
}

/** A command that had ended by itself was not stopped, whoever asks afterwards; the first reason counts. */
function requestStop(job: RunningJob, { reason }: EventOf<"stop">): RunningJob {
  if (job.stop !== null || job.exit !== null) return job;
  return { ...job, stop: reason };
}

function noteExit(job: RunningJob, { exit }: EventOf<"exited">): RunningJob {
  return { ...job, exit };
}

function finish(job: RunningJob, { at, output, detail }: EventOf<"finished">): EndedJob {
  const { startedMonotonic, stop, exit, ...rest } = job;
  return {
    ...rest,
    state: "ended",
    endedAt: at.wall,
    durationNanoseconds: at.monotonic - startedMonotonic,
    outcome: outcomeOf(exit, stop, detail),
    output,
  };
}

function lose(job: StartingJob | RunningJob): LostJob {
  const { id, node, owner, door, command, cwd, alias, createdAt } = job;
  const ran = job.state === "running";
  return {
    ...{ id, node, owner, door, command, cwd, alias, createdAt },
    state: "lost",
    startedAt: ran ? job.startedAt : null,
    pid: ran ? job.pid : null,
    outcome: lostOutcome("the server that supervised it ended"),
  };
}

/** A job of which nothing but its id was left. */
export function lostWithoutRecord(id: JobId, node: string, createdAt: number): LostJob {
  return {
    ...{ id, node, owner: null, door: null, command: [], cwd: null, alias: null, createdAt },
    state: "lost",
    startedAt: null,
    pid: null,
    outcome: lostOutcome("the server that supervised it ended before its record was written"),
  };
}

function lostOutcome(detail: string): Outcome {
  return { reason: "lost", code: null, signal: null, success: false, detail };
}

function outcomeOf(exit: Exit | null, stop: StopReason | null, detail: string | null): Outcome {
  if (exit === null) return { ...lostOutcome(detail ?? "its exit was not seen"), reason: stop ?? "lost" };
  const reason = stop ?? (exit.signal === null ? "exited" : "signaled");
  return { reason, ...exit, success: reason === "exited" && exit.code === 0, detail };
}

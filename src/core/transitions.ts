import type {
  DetachedJob,
  EndedJob,
  Exit,
  FailedJob,
  Job,
  JobEnd,
  JobId,
  JobState,
  LostJob,
  Outcome,
  OutputSummary,
  QueuedJob,
  RunningJob,
  StartingJob,
  StopReason,
} from "./job.ts";

/** What is told of a job that was waiting when its server ended, in order or not. */
export const serverEndedFirst = "it was never started: the server ended before its turn";

/** A point in time on both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/** What can happen to a job. */
export type JobEvent =
  | { readonly type: "admitted" }
  | { readonly type: "executed"; readonly at: Instant; readonly pid: number }
  | { readonly type: "released"; readonly at: Instant; readonly pid: number }
  | { readonly type: "refused"; readonly at: Instant; readonly failure: string }
  | { readonly type: "stop"; readonly reason: StopReason }
  | { readonly type: "exited"; readonly exit: Exit }
  | {
      readonly type: "finished";
      readonly at: Instant;
      readonly output: OutputSummary;
      readonly detail: string | null;
    }
  | { readonly type: "reported"; readonly end: JobEnd }
  | {
      readonly type: "vanished";
      readonly at: Instant;
      readonly output: OutputSummary | null;
      /** What has gone with it; without it, the server. */
      readonly with?: "shim";
    };

type EventOf<Type extends JobEvent["type"]> = Extract<JobEvent, { type: Type }>;
type Row<State extends JobState> = {
  readonly [Type in JobEvent["type"]]?: (job: Extract<Job, { state: State }>, event: EventOf<Type>) => Job;
};

/**
 * State × event: the only place that changes a job's state. An event that has no cell in a
 * state's row is a defect of the caller, and `transition` throws.
 */
export const transitionTable: { readonly [State in JobState]: Row<State> } = {
  queued: {
    admitted: admit,
    refused: fail,
    vanished: lose,
  },
  starting: {
    executed: run,
    released: release,
    refused: fail,
    vanished: lose,
  },
  running: {
    stop: requestStop,
    exited: noteExit,
    finished: finish,
    reported: report,
    vanished: lose,
  },
  ended: {},
  failed: {},
  detached: {},
  lost: {},
};

/** The job after the event. Throws when the table has no such cell. */
export function transition(job: Job, event: JobEvent): Job {
  const row = transitionTable[job.state] as Record<string, ((job: Job, event: JobEvent) => Job) | undefined>;
  const cell = row[event.type];
  if (cell === undefined) throw new Error(`job ${job.id}: no transition from ${job.state} on ${event.type}`);
  return cell(job, event);
}

function admit(job: QueuedJob): StartingJob {
  return { ...job, state: "starting" };
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

function release(job: StartingJob, { at, pid }: EventOf<"released">): DetachedJob {
  return { ...job, state: "detached", startedAt: at.wall, pid };
}

function fail(job: QueuedJob | StartingJob, { at, failure }: EventOf<"refused">): FailedJob {
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
    outcome: outcomeOf(job, detail),
    output,
  };
}

/** Its shim has written down the end: that is how it ended. */
function report(job: RunningJob, { end }: EventOf<"reported">): EndedJob {
  return { ...baseOf(job), state: "ended", ...end };
}

function lose(job: QueuedJob | StartingJob | RunningJob, event: EventOf<"vanished">): LostJob {
  const { at, output, with: gone = "server" } = event;
  const ran = job.state === "running";
  return {
    ...baseOf(job),
    state: "lost",
    startedAt: ran ? job.startedAt : null,
    pid: ran ? job.pid : null,
    lostAt: at.wall,
    outcome: lostOutcome(`the ${gone} that supervised it ended`),
    output,
  };
}

/** What a job has in every state. */
function baseOf(job: Job): Omit<StartingJob, "state"> {
  const { id, node, owner, door, command, cwd, alias, mode, leftovers, successExitCodes } = job;
  const { survive, tty, labels, retainSeconds, callback, createdAt, waited } = job;
  return {
    ...{ id, node, owner, door, command, cwd, alias, mode, leftovers, successExitCodes },
    ...{ survive, tty, labels, retainSeconds, callback, createdAt },
    ...(waited && { waited }),
  };
}

/** A job of which nothing but its id was left. */
export function lostWithoutRecord(
  id: JobId,
  {
    node,
    createdAt,
    lostAt,
    retainSeconds,
  }: Pick<LostJob, "node" | "createdAt" | "lostAt" | "retainSeconds">,
): LostJob {
  return {
    ...{ id, node, owner: null, door: null, command: [], cwd: null, alias: null, mode: "attached" },
    ...{
      survive: false,
      tty: null,
      labels: {},
      leftovers: "leave",
      successExitCodes: [0],
      retainSeconds,
      callback: null,
      createdAt,
    },
    state: "lost",
    startedAt: null,
    pid: null,
    lostAt,
    outcome: lostOutcome("the server that supervised it ended before its record was written"),
    output: null,
  };
}

function lostOutcome(detail: string): Outcome {
  return { reason: "lost", code: null, signal: null, success: false, detail };
}

function outcomeOf({ exit, stop, successExitCodes }: RunningJob, detail: string | null): Outcome {
  if (exit === null) return { ...lostOutcome(detail ?? "its exit was not seen"), reason: stop ?? "lost" };
  const reason = stop ?? (exit.signal === null ? "exited" : "signaled");
  const success = reason === "exited" && exit.code !== null && successExitCodes.includes(exit.code);
  return { reason, ...exit, success, detail };
}

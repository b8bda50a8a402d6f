import { idTime } from "../core/ids.ts";
import type { Job, JobId } from "../core/job.ts";
import { lostWithoutRecord, serverEndedFirst, transition } from "../core/transitions.ts";

/** What a server knows of the jobs of the last one, beside their records. */
export interface Recovery {
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** For jobs of which no record says it. */
  readonly retainSeconds: number;
  /** Ids of jobs that live on. */
  readonly supervised: ReadonlySet<JobId>;
  /** Ids of jobs whose files cannot be read: they may have been executed. */
  readonly unreadable: ReadonlySet<JobId>;
}

/**
 * What has become of jobs that are on record as alive, and are neither supervised nor have files that tell: failed when
 * they were never started, else lost. `noted` are ids of jobs that were about to be executed, or had been.
 */
export function jobsOfNobody(
  recorded: readonly Job[],
  noted: readonly JobId[],
  { now, supervised, unreadable }: Recovery,
): Job[] {
  const mayHaveRun = new Set([...unreadable, ...noted]);
  const at = { wall: now, monotonic: 0 };
  return recorded
    .filter(({ id }) => !supervised.has(id))
    .map((job) => {
      // A job has files before it is executed: one that waited and has none was not.
      return job.state === "queued" && !mayHaveRun.has(job.id)
        ? transition(job, { type: "refused", at, failure: serverEndedFirst })
        : transition(job, { type: "vanished", at, output: null });
    });
}

/** A job of which there is nothing but its id. */
export function unrecordedJob(id: JobId, { node, now, retainSeconds }: Recovery): Job {
  return lostWithoutRecord(id, { node, createdAt: idTime(id), lostAt: now, retainSeconds });
}

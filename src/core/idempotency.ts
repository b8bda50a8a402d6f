import type { ActiveJob } from "./activeJob.ts";
import type { Broker } from "./broker.ts";
import { ErrandError, type ErrorCode } from "./errors.ts";
import type { Job, JobId } from "./job.ts";
import type { IdempotencyRecord, IdempotentStart } from "./ports.ts";

type Start = (onAdmitted: (id: JobId) => void) => Promise<ActiveJob>;

/** What came of a start: the job, and whether it had been started by an earlier request. */
export interface Started {
  readonly job: Job;
  readonly replayed: boolean;
}

/** Refusals after which the same request may succeed: nothing was executed. */
const passing: ReadonlySet<ErrorCode> = new Set([
  "storage-full",
  "too-many-jobs",
  "shutting-down",
  "already-running",
]);

/** Starts a job once per key, however often it is asked to, crashes included. */
export class Idempotency {
  readonly #broker: Broker;
  readonly #record: IdempotencyRecord;
  readonly #wall: () => number;
  /** Starts that are under way, by owner and key. */
  readonly #flights = new Map<
    string,
    { readonly start: IdempotentStart; readonly job: Promise<ActiveJob> }
  >();

  constructor(broker: Broker, record: IdempotencyRecord, wall: () => number) {
    this.#broker = broker;
    this.#record = record;
    this.#wall = wall;
  }

  /** Throws `key-reused` when the key belongs to another request, and what starting throws. */
  async once(start: IdempotentStart, run: Start): Promise<Started> {
    const name = JSON.stringify([start.owner, start.key]);
    const flight = this.#flights.get(name);
    if (flight !== undefined) {
      checkSame(start, flight.start.requestSha256);
      return { job: (await flight.job).job, replayed: true };
    }
    const earlier = this.#earlier(start);
    if (earlier !== undefined) return { job: earlier, replayed: true };
    const job = this.#run(start, run);
    this.#flights.set(name, { start, job });
    try {
      return { job: (await job).job, replayed: false };
    } finally {
      this.#flights.delete(name);
    }
  }

  /** The job of an earlier request; undefined when there was none, or the server died before it had begun with it. */
  #earlier(start: IdempotentStart): Job | undefined {
    const known = this.#record.find(start.owner, start.key);
    if (known === null) return undefined;
    checkSame(start, known.requestSha256);
    const job = this.#broker.get(known.jobId);
    if (job?.state === "failed") throw new ErrandError("start-failed", job.failure);
    return job;
  }

  async #run(start: IdempotentStart, run: Start): Promise<ActiveJob> {
    let reserved = false;
    try {
      return await run((id) => {
        this.#record.reserve(start, id, this.#wall());
        reserved = true;
      });
    } catch (error) {
      const mayPass = error instanceof ErrandError && passing.has(error.code);
      if (reserved && mayPass) this.#record.release(start.owner, start.key);
      throw error;
    }
  }
}

function checkSame({ requestSha256, key }: IdempotentStart, other: Uint8Array): void {
  const same =
    other.length === requestSha256.length && other.every((byte, index) => byte === requestSha256[index]);
  if (!same)
    throw new ErrandError("key-reused", `the key ${JSON.stringify(key)} was sent with another request`);
}

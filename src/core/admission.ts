import { ErrandError } from "./errors.ts";
import type { IdSource } from "./ids.ts";
import type { JobId, JobSpec, QueuedJob, StartingJob } from "./job.ts";
import type { Limits } from "./limits.ts";
import type { AliasClaims, Clock } from "./ports.ts";

/** Who asks, and through which door. */
export interface Origin {
  readonly owner: string;
  readonly door: string;
}

export interface AdmissionParts {
  readonly node: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly aliases: AliasClaims;
  readonly limits: Limits;
}

/** Seconds after which a refused start may succeed. */
const retryAfterSeconds = 1;

/** Decides whether one more job may start, and gives it its id and its alias. */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** The new job, and its id as a number. Throws `too-many-jobs`, `already-running`. */
  admit(spec: JobSpec, origin: Origin, running: number): { number: bigint; job: StartingJob } {
    this.#checkRoom(running);
    const { number, ...base } = this.#identify(spec, origin);
    this.#claim(spec, base.id);
    return { number, job: { ...base, state: "starting" } };
  }

  /** A job that waits for its alias. Throws `too-many-jobs`. */
  queue(spec: JobSpec, origin: Origin, running: number): { number: bigint; job: QueuedJob } {
    this.#checkRoom(running);
    const { number, ...base } = this.#identify(spec, origin);
    // Whoever replaces another job is answered when that has been done.
    const told = spec.aliasPolicy === "queue" ? ({ waited: true } as const) : {};
    return { number, job: { ...base, ...told, state: "queued" } };
  }

  #checkRoom(running: number): void {
    const { maxRunningJobs } = this.#parts.limits;
    if (running < maxRunningJobs) return;
    const allowed = `${maxRunningJobs} jobs are running, which is the limit (maxRunningJobs)`;
    throw new ErrandError("too-many-jobs", allowed, retryAfterSeconds);
  }

  #identify(
    spec: JobSpec,
    { owner, door }: Origin,
  ): Omit<StartingJob, "state"> & { readonly number: bigint } {
    const { clock, ids, node, limits } = this.#parts;
    // Read before the id is made, so that a list since this time holds this job.
    const createdAt = clock.wall();
    const number = ids.next();
    const { command, cwd, alias, mode, survive, tty, labels, leftovers, successExitCodes, callback } = spec;
    const retainSeconds = spec.retainSeconds ?? limits.retainSeconds;
    return {
      ...{ number, id: number.toString(), node, owner, door, command, cwd, alias, mode, labels },
      ...{ survive, tty, leftovers, successExitCodes, retainSeconds, callback, createdAt },
    };
  }

  #claim({ alias }: JobSpec, id: JobId): void {
    if (alias === null || this.#parts.aliases.claim(alias, id)) return;
    throw new ErrandError("already-running", `a job with the alias ${JSON.stringify(alias)} is running`);
  }
}

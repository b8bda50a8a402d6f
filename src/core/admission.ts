import { ErrandError } from "./errors.ts";
import type { IdSource } from "./ids.ts";
import type { JobId, JobSpec, StartingJob } from "./job.ts";
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
  admit(spec: JobSpec, { owner, door }: Origin, running: number): { number: bigint; job: StartingJob } {
    const { clock, ids, node, limits } = this.#parts;
    if (running >= limits.maxRunningJobs) {
      const allowed = `${limits.maxRunningJobs} jobs are running, which is the limit (maxRunningJobs)`;
      throw new ErrandError("too-many-jobs", allowed, retryAfterSeconds);
    }
    // Read before the id is made, so that a list since this time holds this job.
    const createdAt = clock.wall();
    const number = ids.next();
    const id = number.toString();
    this.#claim(spec, id);
    const { command, cwd, alias, mode, leftovers, successExitCodes, callback } = spec;
    const retainSeconds = spec.retainSeconds ?? limits.retainSeconds;
    const job: StartingJob = {
      ...{ state: "starting", id, node, owner, door, command, cwd, alias, mode, leftovers },
      ...{ successExitCodes, retainSeconds, callback, createdAt },
    };
    return { number, job };
  }

  #claim({ alias }: JobSpec, id: JobId): void {
    if (alias === null || this.#parts.aliases.claim(alias, id)) return;
    throw new ErrandError("already-running", `a job with the alias ${JSON.stringify(alias)} is running`);
  }
}

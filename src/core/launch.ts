import type { ActiveJob } from "./activeJob.ts";
import type { JobSpec } from "./job.ts";

/** A job that is to be started, or waits for that. */
export interface Launch {
  readonly number: bigint;
  readonly active: ActiveJob;
  readonly spec: JobSpec;
}

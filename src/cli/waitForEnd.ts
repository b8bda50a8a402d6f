import type { Job } from "../sdk/job.ts";
import { isOver, type JobRecord } from "../sdk/jobTypes.ts";
import { endingOf } from "./ending.ts";
import { CliError, exitCodes } from "./exitCodes.ts";
import { age, commandWords, printJson } from "./print.ts";
import { Progress } from "./progress.ts";
import type { Surroundings } from "./surroundings.ts";

/** Waits for a job's end, says what the code does not tell, and gives the exit code. */
export async function waitForEnd(
  job: Job,
  { json, timeoutSeconds }: { readonly json: boolean; readonly timeoutSeconds?: number | undefined },
  surroundings: Surroundings,
): Promise<number> {
  const record = await ended(job, timeoutSeconds, surroundings);
  if (json) await printJson(surroundings, record);
  if (!isOver(record))
    throw new CliError(
      exitCodes.ownFailure,
      `job ${job.id} has not ended within ${timeoutSeconds} s; it runs on`,
    );
  const { exitCode, note } = endingOf(record);
  if (note !== null) await surroundings.stderr.write(`errand: ${note}\n`);
  return exitCode;
}

async function ended(job: Job, seconds: number | undefined, surroundings: Surroundings): Promise<JobRecord> {
  const progress = new Progress(surroundings, () => {
    const { record } = job;
    return record === null
      ? `waiting for job ${job.id}`
      : `${commandWords(record)}: ${record.state} for ${age(record.createdAt)}`;
  });
  try {
    // So that the line says what is waited for.
    await job.get();
    return await job.wait({ seconds });
  } finally {
    await progress.end();
  }
}

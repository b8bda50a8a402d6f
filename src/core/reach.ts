import type { ActiveJob } from "./activeJob.ts";
import { ErrandError } from "./errors.ts";
import type { Clock } from "./ports.ts";

/** A shim that lives answers much sooner than that, unless it is halted. */
const reachMilliseconds = 10_000;
const retryAfterSeconds = 5;

/**
 * Resolves when what supervises the job can be asked for something, or the job has ended, or `gone`, who waits. Throws
 * `internal` when that takes too long.
 */
export async function untilReached(active: ActiveJob, clock: Clock, gone: AbortSignal): Promise<void> {
  if (!active.isUnreached || gone.aborted) return;
  await new Promise<void>((resolve, reject) => {
    const over = (end: () => void) => {
      cancel();
      forget();
      gone.removeEventListener("abort", leave);
      end();
    };
    const leave = () => over(resolve);
    const forget = active.onChange(() => {
      if (!active.isUnreached) over(resolve);
    });
    const cancel = clock.after(reachMilliseconds, () => over(() => reject(silent(active))));
    gone.addEventListener("abort", leave);
  });
}

function silent({ job: { id } }: ActiveJob): ErrandError {
  const message = `the process that supervises job ${id} does not answer; it may be halted`;
  return new ErrandError("internal", message, retryAfterSeconds);
}

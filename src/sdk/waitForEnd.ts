import { sleep } from "./cancel.ts";
import { ErrandError } from "./errors.ts";
import { isOver, type JobRecord } from "./jobTypes.ts";
import type { WaitOptions } from "./options.ts";
import { jobOf } from "./readJob.ts";
import type { Transport } from "./transport.ts";

/** One poll; proxies end what takes a minute. */
const longestPollSeconds = 25;
/** A server that allows less than this is not asked again. */
const shortestPollSeconds = 1;
/** For an answer that is due to come, beside the poll itself. */
const answerSeconds = 30;
/** Between polls that end before their time, so that none of them is a busy loop. */
const earlyPauseSeconds = 0.2;

/** Asks again and again until the job has ended, or the seconds are over. */
export async function waitForEnd(
  transport: Transport,
  path: string,
  { seconds = Number.POSITIVE_INFINITY, signal }: WaitOptions,
): Promise<JobRecord> {
  if (!(seconds >= 0)) throw new RangeError("seconds: 0 or more is needed");
  const end = performance.now() + seconds * 1_000;
  let mostSeconds = longestPollSeconds;
  for (;;) {
    const leftSeconds = Math.max(0, (end - performance.now()) / 1_000);
    // A server that has answered once is waited for over cuts; a poll would be answered late.
    const wait = transport.hasAnswered ? Math.min(leftSeconds, mostSeconds) : 0;
    const begin = performance.now();
    try {
      const job = jobOf(
        await transport.json({
          ...{ path: `${path}?wait=${wait.toFixed(3)}`, signal, repeatable: true },
          answerSeconds: wait + answerSeconds,
        }),
      );
      const now = performance.now();
      if (isOver(job) || now >= end) return job;
      if (now - begin < wait * 500) await sleep(Math.min(earlyPauseSeconds, (end - now) / 1_000), signal);
    } catch (error) {
      // The server allows less: by how much stands in a text only.
      if (!isTooLong(error) || mostSeconds <= shortestPollSeconds) throw error;
      mostSeconds = Math.max(mostSeconds / 2, shortestPollSeconds);
    }
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof ErrandError && error.code === "invalid-parameter";
}

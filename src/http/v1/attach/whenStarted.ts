import type { Broker } from "../../../core/broker.ts";
import type { Job, JobId } from "../../../core/job.ts";
import { Changes } from "../changes.ts";

/** The job once it has been executed and can be written to, or will never be; undefined when it has gone, or nobody waits any more. */
export async function whenStarted(broker: Broker, id: JobId, signal: AbortSignal): Promise<Job | undefined> {
  const changes = new Changes(broker, id, signal);
  try {
    for (;;) {
      changes.note();
      const job = broker.get(id);
      if (job === undefined || signal.aborted) return undefined;
      const isWaiting = job.state === "queued" || job.state === "starting";
      if (!isWaiting && broker.active(id)?.isUnreached !== true) return job;
      await changes.wait();
    }
  } finally {
    changes.close();
  }
}

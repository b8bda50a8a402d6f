import { recoverJob } from "../spool/recover.ts";
import type { FileSpool } from "../spool/spool.ts";
import type { Store } from "../store/store.ts";

interface Recovery {
  readonly store: Store;
  readonly spool: FileSpool;
  readonly data: string;
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Ids that the last server had noted as alive. */
  readonly alive: readonly bigint[];
  /** A directory cannot be read; it stays as it is. */
  readonly onError: (error: unknown) => void;
  readonly limits: { readonly retainSeconds: number; readonly stderrTailBytes: number };
}

/**
 * Writes down what became of the last server's jobs: how they ended, where their directory tells, else that they are
 * lost. How many are lost.
 */
export function recoverJobs({ store, spool, data, node, now, alive, limits, onError }: Recovery): number {
  let lost = 0;
  for (const id of spool.ids()) {
    const state = store.stateOf(id);
    if (state === "failed") spool.remove(id);
    if (state !== null && state !== "starting" && state !== "running") continue;
    try {
      const job = recoverJob(id, { data, now, stderrTailBytes: limits.stderrTailBytes });
      if (job === null) continue;
      if (job.state === "lost") lost += 1;
      store.put(job);
    } catch (error) {
      onError(error);
    }
  }
  return lost + store.recover(alive, { node, now, retainSeconds: limits.retainSeconds });
}

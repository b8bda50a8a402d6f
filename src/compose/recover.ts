import type { DisconnectPolicy, StartingJob } from "../core/job.ts";
import { type Recovered, recoverJob } from "../spool/recover.ts";
import type { FileSpool } from "../spool/spool.ts";
import type { Store } from "../store/store.ts";
import { killTrees } from "../supervisor/killTrees.ts";

interface Recovery {
  readonly store: Store;
  readonly spool: FileSpool;
  readonly data: string;
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Ids that the last server had noted as alive. */
  readonly alive: readonly bigint[];
  /** A directory cannot be read, and stays as it is; or processes cannot be killed. */
  readonly onError: (error: unknown) => void;
  readonly limits: { readonly retainSeconds: number; readonly stderrTailBytes: number };
}

/** A job of an earlier server that is still supervised. */
export interface Survivor {
  readonly job: StartingJob;
  readonly onDisconnect: DisconnectPolicy;
}

/**
 * Writes down what became of the last server's jobs: how they ended, where their directory tells, else that they are
 * lost. Gives how many are lost, and those that live on.
 */
export async function recoverJobs(parts: Recovery): Promise<{ lost: number; survivors: Survivor[] }> {
  const { store, node, now, alive, limits } = parts;
  const found = [...findings(parts)];
  // What a killed shim has left must be gone before its alias is free.
  const marks = found.flatMap((one) => (one.state === "settled" && one.mark !== null ? [one.mark] : []));
  if (!(await killTrees(new Set(marks))))
    parts.onError("processes of jobs whose shim has gone cannot be killed");
  const survivors: Survivor[] = [];
  let lost = 0;
  for (const one of found) {
    if (one.state === "supervised") survivors.push({ job: one.job, onDisconnect: one.onDisconnect });
    if (one.state !== "settled") continue;
    if (one.job.state === "lost") lost += 1;
    if (one.job.state === "failed") parts.spool.remove(one.job.id);
    store.put(one.job);
  }
  const supervised = new Set(survivors.map(({ job }) => job.id));
  const vanished = store.recover(alive, { node, now, retainSeconds: limits.retainSeconds, supervised });
  return { lost: lost + vanished, survivors };
}

function* findings({ store, spool, data, now, limits, onError }: Recovery): Generator<Recovered> {
  for (const id of spool.ids()) {
    const state = store.stateOf(id);
    if (state === "failed") spool.remove(id);
    // One that was waiting may have been started since that was written.
    if (state !== null && state !== "queued" && state !== "starting" && state !== "running") continue;
    try {
      yield recoverJob(id, { data, now, stderrTailBytes: limits.stderrTailBytes });
    } catch (error) {
      onError(error);
    }
  }
}

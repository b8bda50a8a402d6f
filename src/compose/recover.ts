import type { JobId } from "../core/job.ts";
import type { Survivor } from "../core/shimPorts.ts";
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

/**
 * Writes down what became of the last server's jobs: how they ended, where their directory tells, else that they were
 * never started, where that is certain, else that they are lost. Gives how many are lost, and those that live on.
 */
export async function recoverJobs(parts: Recovery): Promise<{ lost: number; survivors: Survivor[] }> {
  const { store, node, now, alive, limits } = parts;
  const unreadable = new Set<JobId>();
  const found = [...findings(parts, (id) => unreadable.add(id))];
  // What a killed shim has left must be gone before its alias is free.
  const marks = found.flatMap((one) => (one.state === "settled" && one.mark !== null ? [one.mark] : []));
  if (!(await killTrees(new Set(marks))))
    parts.onError("processes of jobs whose shim has gone cannot be killed");
  const survivors: Survivor[] = [];
  let lost = 0;
  for (const one of found) {
    if (one.state === "supervised") survivors.push(one);
    if (one.state !== "settled") continue;
    if (one.job.state === "lost") lost += 1;
    if (one.job.state === "failed") parts.spool.remove(one.job.id);
    store.put(one.job);
  }
  const supervised = new Set(survivors.map(({ job }) => job.id));
  const { retainSeconds } = limits;
  const vanished = store.recover(alive, { node, now, retainSeconds, supervised, unreadable });
  return { lost: lost + vanished, survivors };
}

function* findings(parts: Recovery, onUnreadable: (id: JobId) => void): Generator<Recovered> {
  const { store, spool, data, now, limits, onError } = parts;
  const noted = new Set(parts.alive.map(String));
  for (const id of spool.ids()) {
    const state = store.stateOf(id);
    if (state === "failed") spool.remove(id);
    // One that was waiting may have been started since that was written.
    if (state !== null && state !== "queued" && state !== "starting" && state !== "running") continue;
    try {
      const mayHaveRun = noted.has(id) || state === "running";
      yield recoverJob(id, { data, now, stderrTailBytes: limits.stderrTailBytes, mayHaveRun });
    } catch (error) {
      onUnreadable(id);
      onError(error);
    }
  }
}

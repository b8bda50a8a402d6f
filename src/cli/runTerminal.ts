import type { Errand } from "../sdk/errand.ts";
import { Cancelled } from "../sdk/errors.ts";
import type { JobSpec } from "../sdk/specTypes.ts";
import { attachJob } from "./attachJob.ts";
import { startError } from "./ending.ts";
import { usageError } from "./exitCodes.ts";
import type { Surroundings } from "./surroundings.ts";
import { terminalSize } from "./terminalSize.ts";

/** Gives a job the size and the kind of this terminal. */
export function withTerminal(spec: JobSpec, { variables: { TERM } }: Surroundings): JobSpec {
  return { ...spec, tty: spec.tty ?? terminalSize(), env: { ...(TERM ? { TERM } : {}), ...spec.env } };
}

/** Throws when something is said about the stdin of a job at a terminal. */
export function refuseStdinAtTerminal(stdin: "none" | "inherit" | undefined): void {
  if (stdin === undefined) return;
  throw usageError(
    "-t and --stdin: a command at a terminal reads what is typed there",
    "Leave --stdin out; nobody types before errand attach does. Or leave out -t.",
  );
}

/** Runs a command on a terminal of its own, which this one is put in front of. It stays when this program goes. */
export async function runOnTerminal(
  errand: Errand,
  { spec, detachKeys }: { readonly spec: JobSpec; readonly detachKeys: readonly number[] },
  surroundings: Surroundings,
): Promise<number> {
  if (!surroundings.isTerminal(0))
    throw usageError(
      "-it: stdin is no terminal",
      "Leave out -t to pass stdin on; errand start -t starts a job with a terminal that nobody sits at.",
    );
  // With a key of its own, a start whose answer was lost is asked for again.
  const job = await errand
    .start(withTerminal({ ...spec, mode: "background" }, surroundings), {
      idempotencyKey: crypto.randomUUID(),
    })
    .catch((error: unknown) => {
      throw error instanceof Cancelled ? error : startError(error);
    });
  // What it asks at its begin is asked of this terminal.
  return await attachJob(job, { replay: "all", dropQueries: "resumed", detachKeys }, surroundings);
}

import { constants } from "node:os";
import type { Broker } from "../../core/broker.ts";
import { ErrandError } from "../../core/errors.ts";
import type { JobId } from "../../core/job.ts";

/** The name of a signal. Throws `invalid-spec` for any other. */
export function knownSignal(name: string): string {
  if (Object.hasOwn(constants.signals, name)) return name;
  throw new ErrandError("invalid-spec", `allowed is ${allowedSignals()}`);
}

/** What may be sent, in words. */
export function allowedSignals(): string {
  return `{"signal": "<name>"} with one of ${Object.keys(constants.signals).join(", ")}`;
}

/** Sends a signal to a job's whole group. Throws `invalid-spec` for a name that no signal has, `not-running`. */
export function signalJob(broker: Broker, id: JobId, name: string): void {
  const signal = knownSignal(name);
  if (broker.active(id)?.process?.signal(signal)) return;
  const state = broker.get(id)?.state ?? "gone";
  throw new ErrandError("not-running", `job ${id} does not run: its state is ${state}`);
}

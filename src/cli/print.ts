import type { JobRecord } from "../sdk/jobTypes.ts";
import type { Surroundings } from "./surroundings.ts";
import { duration, shellWords } from "./text.ts";

/** One JSON document: on one line, or spread out for the eyes of who sits at a terminal. */
export function printJson({ stdout, isTerminal }: Surroundings, value: unknown): Promise<void> {
  return stdout.write(`${JSON.stringify(value, null, isTerminal(1) ? 2 : 0)}\n`);
}

/** The state of a job in two words at most: `running`, `ended 0`, `ended SIGKILL`, `timeout SIGTERM`. */
export function stateWords({ state, outcome }: JobRecord): string {
  if (state !== "ended" || outcome === null) return state;
  const { reason, code, signal } = outcome;
  const word = reason === "exited" || reason === "signaled" ? state : reason;
  return `${word} ${code ?? signal ?? "?"}`;
}

/** How long ago that time was. */
export function age(time: string, now = Date.now()): string {
  return duration(Math.max(0, now - Date.parse(time)) / 1_000);
}

/** The command line as it would be typed. */
export function commandWords({ command }: JobRecord): string {
  return shellWords(command);
}

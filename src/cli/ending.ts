import { constants } from "node:os";
import { ErrandError } from "../sdk/errors.ts";
import type { JobRecord, Outcome } from "../sdk/jobTypes.ts";
import { CliError, exitCodes } from "./exitCodes.ts";

/** How a job ended: the exit code, and what is to be said where the code does not tell all. */
export interface Ending {
  readonly exitCode: number;
  readonly note: string | null;
}

const signalBase = 128;

/** What the end of a job means for the exit code of `run` and `wait`. */
export function endingOf({ id, state, outcome, failure }: JobRecord): Ending {
  if (state === "failed") return notStarted(failure ?? "the job never ran");
  if (outcome === null) return own(`how job ${id} ends is not known: it is ${state}`);
  const code = codeOf(outcome);
  if (outcome.reason === "exited" || outcome.reason === "signaled")
    return { exitCode: code, note: outcome.detail };
  const detail = outcome.detail === null ? "" : `: ${outcome.detail}`;
  const note = `${reasons[outcome.reason]}${detail}`;
  // A command that was stopped has not done its work, even if it says so.
  return { exitCode: code === 0 ? exitCodes.ownFailure : code, note };
}

const reasons: Readonly<Record<Exclude<Outcome["reason"], "exited" | "signaled">, string>> = {
  timeout: "the job was stopped: it ran longer than its timeout",
  idle: "the job was stopped: it was silent for longer than its idle timeout",
  stopped: "the job was stopped",
  disconnected: "the job was stopped: its client had gone",
  shutdown: "the job was stopped: its server shuts down",
  "output-limit": "the job was stopped: it wrote more than its output limit",
  lost: "how the job ended is not known",
};

function codeOf({ code, signal }: Outcome): number {
  if (code !== null) return code;
  const number = signal === null ? null : signalNumber(signal);
  return number === null ? exitCodes.ownFailure : signalBase + number;
}

/** The number of `SIGTERM`, `SIG35` or `SIGRTMIN+1`; null for what is none. */
export function signalNumber(name: string): number | null {
  const known: Readonly<Record<string, number>> = constants.signals;
  if (Object.hasOwn(known, name)) return known[name] ?? null;
  const [, from, number] = /^SIG(?:(RTMIN\+|RTMAX-))?(\d{1,2})$/.exec(name) ?? [];
  if (number === undefined) return null;
  const offset = Number(number);
  if (from === undefined) return offset;
  return from === "RTMIN+" ? realTimeLowest + offset : realTimeHighest - offset;
}

/** As the C library of Linux gives them to programs. */
const realTimeLowest = 34;
const realTimeHighest = 64;

/** The server's refusal to start a command, as a shell ends after it; anything else as it is. */
export function startError(error: unknown): unknown {
  if (!(error instanceof ErrandError) || error.code !== "start-failed") return error;
  const { exitCode, note } = notStarted(error.detail);
  return new CliError(exitCode, `${note ?? error.detail} (${error.code})`);
}

const noSuchFile = 2;

/** The words begin with the system's own and end with what they are about. */
function notStarted(why: string): Ending {
  const [, number, subject = ""] = /\(os error (\d+)\): ([\s\S]*)$/.exec(why) ?? [];
  if (number === undefined || subject.startsWith("cwd ")) return own(why);
  const exitCode = Number(number) === noSuchFile ? exitCodes.notFound : exitCodes.notExecutable;
  return { exitCode, note: why };
}

function own(note: string): Ending {
  return { exitCode: exitCodes.ownFailure, note };
}

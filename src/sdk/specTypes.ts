import type { TerminalSize } from "./attachTypes.ts";
import type { CallbackEvent, JobMode } from "./jobTypes.ts";

interface CommonSpec {
  readonly cwd?: string | undefined;
  /** Added to the environment that the server gives. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** All that the command reads, nothing without it; `"open"`: what `job.stdin()` writes. */
  readonly stdin?: StdinSpec | undefined;
  /** `background` by default. */
  readonly mode?: JobMode | undefined;
  /** One job per alias runs at a time. */
  readonly alias?: string | undefined;
  /** What happens when the alias is running: `reject` by default. */
  readonly aliasPolicy?: "reject" | "queue" | "join" | "replace" | undefined;
  /** Whether it outlives the server. */
  readonly survive?: boolean | undefined;
  /** It runs at a terminal of this size, which is its stdin, stdout and stderr. */
  readonly tty?: TerminalSize | undefined;
  /** stderr goes into stdout, in the order of writing. */
  readonly mergeOutput?: boolean | undefined;
  /** Both go nowhere. */
  readonly discardOutput?: boolean | undefined;
  /** `[0]` by default. */
  readonly successExitCodes?: readonly number[] | undefined;
  /** What happens to descendants that outlive the command: `leave` by default. */
  readonly leftovers?: "leave" | "stop" | undefined;
  /** What happens to an attached job whose client goes away: `kill` by default. Any other keeps the output. */
  readonly onDisconnect?: OnDisconnect | undefined;
  /** Longest run. */
  readonly runTimeoutSeconds?: number | undefined;
  /** Longest silence on stdout and stderr. */
  readonly idleTimeoutSeconds?: number | undefined;
  /** From TERM to KILL when a timeout or a limit stops it. */
  readonly stopGraceSeconds?: number | undefined;
  /** How long record and output are kept after the end. */
  readonly retainSeconds?: number | undefined;
  readonly limits?: JobLimits | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly callback?: CallbackSpec | undefined;
}

/** Program and arguments, passed on as they are. */
interface CommandSpec extends CommonSpec {
  readonly command: readonly string[];
  readonly shell?: never;
}

/** A line for `/bin/sh -c`. */
interface ShellSpec extends CommonSpec {
  readonly shell: string;
  readonly command?: never;
}

/** What to run and how. */
export type JobSpec = CommandSpec | ShellSpec;

export type StdinSpec = { readonly text: string } | { readonly base64: string } | "open";

export type OnDisconnect = "kill" | "detach" | { readonly killAfterSeconds: number };

export interface JobLimits {
  /** With more output than this the job is stopped, reason `output-limit`. */
  readonly outputBytes?: number | undefined;
}

export interface CallbackSpec {
  readonly url: string;
  /** `job.ended` by default. */
  readonly events?: readonly CallbackEvent[] | undefined;
}

import { createHash } from "node:crypto";
import pino, { type DestinationStream, type Logger } from "pino";
import type { Job } from "../core/job.ts";

const stderrDescriptor = 2;

/** Logs to stderr, one line per event: JSON, or for people on a terminal. No line holds a secret or a variable's value. */
export async function makeLogger(
  level: "info" | "debug" | "trace",
  { pretty }: { pretty: boolean },
): Promise<Logger> {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, await destination(pretty));
}

async function destination(pretty: boolean): Promise<DestinationStream> {
  const stderr = pino.destination({ dest: stderrDescriptor, sync: true });
  const escaped = { write: (text: string) => stderr.write(escapeControls(text)) };
  if (!pretty) return escaped;
  // Loaded only where it is used: it costs more than the rest of the log.
  const { prettyFactory } = await import("pino-pretty");
  const format = prettyFactory({ colorize: true, singleLine: true });
  return { write: (line: string) => escaped.write(format(line)) };
}

/** What JSON leaves as it is and a terminal obeys all the same. */
const controls = /[\u007f-\u009f\u2028\u2029]/g;

function escapeControls(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** At level debug, one line per job at its start. */
export function logStart(logger: Logger, { id, owner, door, alias, command, ...job }: Job): void {
  if (!logger.isLevelEnabled("debug")) return;
  logger.debug(
    { job: id, owner, door, alias, program: command[0], pid: "pid" in job ? job.pid : null },
    "job started",
  );
}

/** One line per job at its end: who, what, how. Arguments are told by digest alone, since they may hold secrets. */
export function logEnd(logger: Logger, job: Job): void {
  if (!logger.isLevelEnabled("info")) return;
  const { id, owner, door, alias, state, command } = job;
  const base = { job: id, owner, door, alias, program: command[0], argvSha256: digest(command) };
  if (job.state === "ended") {
    const { reason, code, signal } = job.outcome;
    logger.info({ ...base, reason, code, signal, seconds: job.durationNanoseconds / 1e9 }, "job ended");
  } else if (job.state === "failed") {
    logger.info({ ...base, failure: job.failure }, "job failed to start");
  } else {
    logger.info({ ...base, state }, "job changed");
  }
}

const mostRefusalsPerSecond = 10;

interface Refusal {
  readonly method: string | undefined;
  readonly code: string;
  readonly who: string | null;
}

/** Logs refused requests, at most a few per second: nobody may fill the disk without a credential. */
export class RefusalLog {
  readonly #logger: Logger;
  #second = 0;
  #count = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * One refused request: where from and why, and `who` asked when the credential was right. What the client sent is not
   * repeated but for the method.
   */
  refused(client: string, { method, code, who }: Refusal): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      if (this.#count > mostRefusalsPerSecond) {
        this.#logger.warn({ requests: this.#count - mostRefusalsPerSecond }, "more requests were refused");
      }
      this.#second = second;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= mostRefusalsPerSecond) {
      this.#logger.warn({ client, method, code, ...(who === null ? {} : { who }) }, "request refused");
    }
  }
}

function digest(command: readonly string[]): string {
  return createHash("sha256").update(command.join("\0")).digest("hex").slice(0, 16);
}

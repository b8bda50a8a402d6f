import { CommanderError } from "commander";
import { ConfigError } from "../config/settings.ts";
import { Cancelled, ConnectionError, ErrandError, StreamCut } from "../sdk/errors.ts";
import { CliError, exitCodes } from "./exitCodes.ts";
import { OutputGone } from "./output.ts";

/** How a failure is told: the exit code, and what stands on stderr, which is nothing where all has been said. */
export interface Failure {
  readonly exitCode: number;
  readonly message: string | null;
  readonly advice: string | null;
}

/** Puts any error into words. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return error;
  if (error instanceof OutputGone) return failure(exitCodes.brokenPipe, null);
  if (error instanceof CommanderError)
    return failure(error.exitCode === 0 ? exitCodes.done : exitCodes.usage, null);
  if (error instanceof ConfigError) return failure(error.exitCode, error.message);
  if (error instanceof ErrandError) return refusal(error);
  if (error instanceof StreamCut) return cut(error);
  if (error instanceof ConnectionError) return failure(exitCodes.unavailable, error.message, noServer);
  if (error instanceof Cancelled) return failure(exitCodes.refused, error.message);
  const message = error instanceof Error ? error.message : String(error);
  // Thrown by the SDK for what can be no server, no spec, no key.
  if (error instanceof TypeError || error instanceof RangeError) return failure(exitCodes.software, message);
  return failure(exitCodes.software, `unexpected: ${message}`);
}

const noServer =
  "Is it running (errand serve), and is that its address? --url, ERRAND_URL or errand context say another one.";
const noToken =
  "The token comes from --token-file, ERRAND_TOKEN, the context, or on the server's own machine from <data>/token.";

/** The code behind the words is stable: docs/errors.md explains each. */
function refusal({ status, detail, code, retryAfterSeconds }: ErrandError): Failure {
  const message = `${detail} (${code})`;
  if (status === 401) return failure(exitCodes.noPermission, message, noToken);
  if (status === 403) return failure(exitCodes.noPermission, message);
  const retry = retryAfterSeconds === null ? null : `Try again in ${retryAfterSeconds} s.`;
  return failure(exitCodes.refused, message, retry);
}

function cut({ message, jobId, received: { cursor } }: StreamCut): Failure {
  const since = cursor === null ? "" : ` --since ${cursor}`;
  return failure(
    exitCodes.refused,
    message,
    `How the command ended is not known. It may still run: errand logs -f ${jobId}${since}`,
  );
}

function failure(exitCode: number, message: string | null, advice: string | null = null): Failure {
  return { exitCode, message, advice };
}

/** How `errand` itself ends, as sysexits.h numbers it; docs/cli.md explains each. */
export const exitCodes = {
  done: 0,
  /** The server, or this program, would not do what was asked for. */
  refused: 1,
  usage: 64,
  /** No server answers at the address. */
  unavailable: 69,
  /** A defect of this program. */
  software: 70,
  /** The server does not know the token, or the token lacks the right. */
  noPermission: 77,
  /** A file of contexts, of a token or of the configuration cannot be used. */
  config: 78,
  /** `run` and `wait`: every failure that is not the command's. */
  ownFailure: 125,
  notExecutable: 126,
  notFound: 127,
  /** Whoever read the output has gone, as for a program that SIGPIPE ended. */
  brokenPipe: 141,
} as const;

/** A failure that is told in words and an exit code. `advice` says what to do about it. */
export class CliError extends Error {
  override readonly name = "CliError";

  constructor(
    readonly exitCode: number,
    message: string,
    readonly advice: string | null = null,
  ) {
    super(message);
  }
}

/** What was typed cannot be meant. */
export function usageError(message: string, advice: string | null = null): CliError {
  return new CliError(exitCodes.usage, message, advice);
}

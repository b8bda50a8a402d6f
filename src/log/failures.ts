import type { Logger } from "pino";

/** As sysexits.h numbers an internal error. */
const exitSoftware = 70;

/** An error that nobody has caught: one request's is told and the server goes on, any other ends it. */
export function logFailures(logger: Logger): void {
  process.on("unhandledRejection", (error) => {
    logger.error(
      { error: String(error), stack: error instanceof Error ? error.stack : undefined },
      "unhandled",
    );
  });
  process.on("uncaughtException", (error) => {
    logger.fatal({ error: String(error), stack: error.stack }, "the server cannot go on");
    process.exit(exitSoftware);
  });
}

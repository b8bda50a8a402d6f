import type { Logger } from "pino";
import { isIgnored } from "./ignoredSignals.ts";

/** What is ended by signals. */
interface Endable {
  readonly runningJobs: number;
  drain(): Promise<void>;
  killAll(): void;
}

interface EndParts {
  readonly logger: Logger;
  readonly broker: Endable;
  /** A client has asked for the end, which counts as a first signal, and never as a second. */
  readonly asked: Promise<void>;
  /** The end has begun. */
  readonly onFirst: () => void;
}

/** Resolves when a first signal has let the running jobs end, or a second one has ended them. */
export async function endSignal({ logger, broker, asked, onFirst }: EndParts): Promise<void> {
  let signals = 0;
  await new Promise<void>((resolve) => {
    asked.then(() => {
      if (signals > 0) return;
      signals += 1;
      onFirst();
      logger.info({ jobs: broker.runningJobs }, "shutting down, as a client has asked");
      broker.drain().then(resolve);
    });
    for (const signal of endingSignals()) {
      process.on(signal, () => {
        signals += 1;
        if (signals === 1) {
          onFirst();
          logger.info(
            { signal, jobs: broker.runningJobs },
            "shutting down; a second signal ends all jobs at once",
          );
          broker.drain().then(resolve);
        } else {
          logger.warn({ signal, jobs: broker.runningJobs }, "ending all jobs at once");
          broker.killAll();
        }
      });
    }
  });
}

/** A server that was started to outlive its terminal (nohup) goes on ignoring SIGHUP. */
function endingSignals(): NodeJS.Signals[] {
  return ["SIGTERM", "SIGINT", ...(isIgnored("SIGHUP") ? [] : (["SIGHUP"] as const))];
}

import { networks } from "./networks.ts";
import type { CallbackSettings } from "./settings.ts";
import { refuseUnknown } from "./unknown.ts";
import { defined, numbers, type Table, text, texts } from "./values.ts";

const keys = ["allowPrivate", "signingSecretFile", "retrySeconds"];
const mostRetries = 100;
const longestRetrySeconds = 30 * 86_400;

/** What `[callbacks]` says. */
export function readCallbacks(table: Table): Partial<CallbackSettings> {
  refuseUnknown("callbacks", table, keys);
  const allowPrivate = texts(table, "callbacks", "allowPrivate");
  const retrySeconds = numbers(table, "callbacks", "retrySeconds");
  const fits = (seconds: number) => seconds >= 0 && seconds <= longestRetrySeconds;
  if (retrySeconds !== undefined && (retrySeconds.length > mostRetries || !retrySeconds.every(fits))) {
    const allowed = `at most ${mostRetries} waits of 0 to ${longestRetrySeconds} seconds are allowed`;
    throw new Error(`callbacks.retrySeconds: ${allowed}`);
  }
  const signingSecretFile = text(table, "callbacks", "signingSecretFile");
  return defined({
    allowPrivate: allowPrivate === undefined ? undefined : networks("callbacks.allowPrivate", allowPrivate),
    signingSecretFile: signingSecretFile === "" ? undefined : signingSecretFile,
    retrySeconds,
  });
}

import type { Logger } from "pino";
import { AllowedAddresses } from "../callbacks/addresses.ts";
import { makeSender } from "../callbacks/attempt.ts";
import { Courier } from "../callbacks/courier.ts";
import { UrlPolicy } from "../callbacks/policy.ts";
import { defaultWaitsSeconds } from "../callbacks/schedule.ts";
import { callbackSecret } from "../callbacks/secret.ts";
import { makeSigner } from "../callbacks/sign.ts";
import type { Settings } from "../config/settings.ts";
import type { Broker } from "../core/broker.ts";
import type { CallbackPolicy, Delivery } from "../core/callbackPorts.ts";
import { encodeCallback } from "../http/sidecar/callback.ts";
import { encodeJob } from "../http/v1/encodeJob.ts";
import type { Store } from "../store/store.ts";
import { clock } from "./clock.ts";

interface CallbackParts {
  readonly settings: Settings;
  readonly broker: Broker;
  readonly store: Store;
  readonly logger: Logger;
}

/** The delivery of callbacks, and the policy that decides whom they may go to. */
export function makeCallbacks({ settings, broker, store, logger }: CallbackParts): {
  readonly courier: Courier;
  readonly policy: CallbackPolicy;
} {
  const { limits, data, callbacks } = settings;
  // A file that cannot be used is to be seen at the start; without one a secret is made at first use.
  if (callbacks.signingSecretFile !== null) callbackSecret(data, callbacks.signingSecretFile);
  const addresses = new AllowedAddresses(callbacks.allowPrivate);
  const policy = new UrlPolicy(addresses, limits);
  const content = async (delivery: Delivery) => {
    // From the record, since a job whose time is over stays until its callback is settled.
    const job = store.get(delivery.jobId);
    if (job === undefined) return null;
    if (delivery.form === "sidecar") return encodeCallback(broker, job, limits.callbackTextBytes);
    return { body: JSON.stringify({ type: delivery.event, job: encodeJob(job, []) }), headers: {} };
  };
  const courier = new Courier({
    ...{ outbox: store.outbox, clock, limits, content },
    plan: { waitsSeconds: callbacks.retrySeconds ?? defaultWaitsSeconds, random: Math.random },
    send: makeSender({ policy, addresses, timeoutSeconds: limits.callbackTimeoutSeconds }),
    sign: makeSigner(() => callbackSecret(data, callbacks.signingSecretFile)),
    log: {
      settled({ id, jobId }, { state, attempts, lastStatus, lastError }) {
        const words = { callback: id, job: jobId, state, attempts, status: lastStatus, error: lastError };
        if (state === "failed") logger.warn(words, "callback given up");
        else logger.debug(words, "callback tried");
      },
      error: (error) => logger.error({ error: String(error) }, "callbacks cannot be delivered"),
    },
  });
  store.onCallbacks(() => courier.wake());
  return { courier, policy };
}

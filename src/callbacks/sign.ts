import type { Webhook } from "standardwebhooks";

/** Signs one try: the headers that a receiver verifies it by. */
export type SignCallback = (id: string, wall: number, body: string) => Promise<Record<string, string>>;

/**
 * Makes the function that signs callbacks as Standard Webhooks says. Library and secret are loaded with the first
 * callback: a start should not wait for them, and a server that never calls back needs no secret.
 */
export function makeSigner(secret: () => string): SignCallback {
  let webhook: Webhook | null = null;
  return async (id, wall, body) => {
    webhook ??= new (await import("standardwebhooks")).Webhook(secret());
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(wall / 1_000)),
      "webhook-signature": webhook.sign(id, new Date(wall), body),
    };
  };
}

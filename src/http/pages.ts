import type { Broker } from "../core/broker.ts";
import type { ErrandError } from "../core/errors.ts";
import { errorTable } from "../core/errors.ts";
import { type Door, errorHeaders, sendText } from "./exchange.ts";
import type { PublicPage } from "./server.ts";

const noStore = { "Cache-Control": "no-store" };

/** What is answered without a credential. `insecure`: the server is open to everybody, by wish. */
export function publicPages(
  broker: Broker,
  { version, releaseDate, insecure }: { version: string; releaseDate: string; insecure: boolean },
): ReadonlyMap<string, PublicPage> {
  const welcome = `Welcome to Errand.\n* Version: ${version}\n* Release Date: ${releaseDate}\n`;
  const health = insecure ? "ok, open: anyone who reaches this server can run commands\n" : "ok\n";
  return new Map<string, PublicPage>([
    ["/", { answer: (_request, response) => sendText(response, 200, welcome, noStore) }],
    ["/healthz", { answer: (_request, response) => sendText(response, 200, health, noStore) }],
    [
      "/readyz",
      {
        answer: (_request, response) => {
          if (broker.draining) sendText(response, 503, "shutting down\n", noStore);
          else sendText(response, 200, "ready\n", noStore);
        },
      },
    ],
  ]);
}

/** Paths that no protocol serves. */
export const nowhere: Door = {
  name: "none",
  operation: () => null,
  async handle({ response }) {
    sendText(response, 501, "Invalid path.");
  },
  refuse(response, error: ErrandError) {
    sendText(response, errorTable[error.code].status, `${error.message}\n`, errorHeaders(error));
  },
};

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import type { Received } from "./callback-receiver.ts";
import type { Server } from "./server.ts";
import { until } from "./wait.ts";

/** One callback as `GET /v1/jobs/{id}` tells it. */
export interface Delivery {
  id: string;
  event: string;
  state: string;
  attempts: number;
  nextAttemptAt: string | null;
  lastAttemptAt: string | null;
  lastStatus: number | null;
  lastError: string | null;
}

/** The configuration that lets callbacks go to this machine, with these waits between tries. */
export function loopbackCallbacks(retrySeconds?: readonly number[], more = ""): string {
  const waits = retrySeconds === undefined ? "" : `retrySeconds = [${retrySeconds.join(", ")}]\n`;
  return `[callbacks]\nallowPrivate = ["127.0.0.0/8", "::1"]\n${waits}${more}`;
}

/** `POST /v1/jobs` with any fields. */
export function postJob(server: Server, fields: Readonly<Record<string, unknown>>): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.request("/v1/jobs", { method: "POST", headers, body: JSON.stringify(fields) });
}

export interface CallingJob {
  command?: readonly string[];
  events?: readonly string[];
}

/** Starts a job that calls back; its id. */
export async function startCalling(server: Server, url: string, options: CallingJob = {}): Promise<string> {
  const { command = ["true"], events = ["job.ended"] } = options;
  const response = await postJob(server, { command, callback: { url, events } });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

/** What is told of a job's callbacks. */
export async function deliveriesOf(server: Server, id: string): Promise<Delivery[]> {
  const response = await server.request(`/v1/jobs/${id}`);
  const { callback } = (await response.json()) as { callback: { deliveries: Delivery[] } };
  return callback.deliveries;
}

/** Waits until as many callbacks of the job as said are in that state, and gives all. */
export async function untilState(
  server: Server,
  id: string,
  state: string,
  { count = 1, timeoutMilliseconds = 10_000 } = {},
): Promise<Delivery[]> {
  let found: Delivery[] = [];
  const reached = async () => {
    found = await deliveriesOf(server, id);
    return found.filter((delivery) => delivery.state === state).length >= count;
  };
  const describe = () => `${count} callbacks of ${id} to be ${state}, there are ${JSON.stringify(found)}`;
  await until(reached, { timeoutMilliseconds, describe });
  return found;
}

/** The content of a callback after the public library has verified it with the server's own secret. */
export function verified(server: Pick<Server, "dataDir">, { headers, body }: Received): unknown {
  const secret = readFileSync(join(server.dataDir, "callback-secret"), "utf8").trim();
  return new Webhook(secret).verify(body, headers);
}

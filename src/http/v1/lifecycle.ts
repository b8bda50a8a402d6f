import type { Subscription } from "../../core/eventBus.ts";
import { whileConnected } from "../backpressure.ts";
import type { Exchange } from "../exchange.ts";
import type { EncodedEvent } from "./encodeEvent.ts";
import { sendEvents } from "./eventStream.ts";
import { formatOf } from "./events.ts";
import { readNone } from "./parameters.ts";
import type { RouteParts } from "./routeParts.ts";

/** `GET /v1/events`: what happens to all jobs from now on. There is nothing to resume from: a cut is a gap. */
export async function lifecycleEvents(
  parts: RouteParts,
  { request, response, query }: Exchange,
): Promise<void> {
  readNone(query);
  parts.followers.enter(response);
  const signal = whileConnected(response);
  // Before the head goes out: who has got that has to hear of all that comes.
  const subscription = parts.broker.subscribe();
  await sendEvents(response, events(parts, subscription, signal), {
    format: formatOf(request.headers.accept),
    heartbeatSeconds: parts.limits.heartbeatSeconds,
    cursor: "",
    headers: {},
  });
}

async function* events(
  { encode }: RouteParts,
  subscription: Subscription,
  signal: AbortSignal,
): AsyncGenerator<EncodedEvent> {
  const close = () => subscription.close();
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  try {
    for (let number = 1; ; number += 1) {
      const event = await subscription.next();
      if (event === null) return;
      const cursor = String(number);
      if (event.type === "gap") yield encoded("gap", cursor, { missed: event.missed });
      else yield encoded(`job.${event.type}`, cursor, { job: encode(event.job) });
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

function encoded(type: string, cursor: string, fields: Readonly<Record<string, unknown>>): EncodedEvent {
  return { type, cursor, json: JSON.stringify({ type, cursor, ...fields }) };
}

import type { ServerResponse } from "node:http";
import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { JobId } from "../../core/job.ts";
import type { OutputPosition } from "../../core/ports.ts";
import { whileConnected } from "../backpressure.ts";
import type { Exchange } from "../exchange.ts";
import { decodeCursor, encodeCursor, nothingSeen } from "./cursor.ts";
import { type EncodedEvent, encodeEvent } from "./encodeEvent.ts";
import { type StreamFormat, sendEvents } from "./eventStream.ts";
import { follow } from "./follow.ts";
import type { Follower } from "./followers.ts";
import { checkPosition } from "./gaps.ts";
import { read, readFlag } from "./parameters.ts";
import type { RouteParts } from "./routeParts.ts";

/** `GET /v1/jobs/{id}/events`. */
export async function jobEvents(
  parts: RouteParts,
  { request, response, query }: Exchange,
  id: string,
): Promise<void> {
  const parameters = read(query, ["cursor", "follow"]);
  const seen = parameters.get("cursor") ?? request.headers["last-event-id"];
  const from = typeof seen === "string" && seen !== "" ? decodeCursor(seen) : null;
  const live = (readFlag(parameters, "follow") ?? true) && request.method !== "HEAD";
  const job = isJobId(id) ? parts.broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  if (from !== null) checkPosition(parts.broker, job, from);
  await sendJobEvents(parts, {
    response,
    follower: parts.followers.enter(response),
    id,
    from,
    live,
    format: formatOf(request.headers.accept),
    headers: {},
  });
}

interface EventsAnswer {
  readonly response: ServerResponse;
  readonly follower: Follower;
  readonly id: JobId;
  /** What the client has seen already; null for nothing. */
  readonly from: OutputPosition | null;
  readonly live: boolean;
  readonly format: StreamFormat;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers with a job's events. Who follows a running job is there for it, as its disconnect policy has it. */
export async function sendJobEvents(parts: RouteParts, answer: EventsAnswer): Promise<void> {
  const { broker, limits, encode } = parts;
  const { response, follower, id, from, live, format, headers } = answer;
  const signal = whileConnected(response);
  follower.attend(live ? broker.active(id) : undefined);
  async function* encoded(): AsyncGenerator<EncodedEvent> {
    for await (const event of follow(broker, id, { from, live, signal })) yield encodeEvent(event, encode);
  }
  const cursor = from === null ? nothingSeen : encodeCursor(from);
  const { heartbeatSeconds } = limits;
  await sendEvents(response, encoded(), { format, heartbeatSeconds, cursor, headers });
}

/** NDJSON when it is asked for, else server-sent events. */
export function formatOf(accept: string | undefined): StreamFormat {
  return accept?.toLowerCase().includes("application/x-ndjson") ? "ndjson" : "sse";
}

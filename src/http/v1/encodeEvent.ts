import type { Job } from "../../core/job.ts";
import type { WireJob } from "../../protocol/job.ts";
import { encodeCursor } from "./cursor.ts";
import type { FollowEvent } from "./follow.ts";

/** An event as it goes out: its name, its cursor and its JSON. */
export interface EncodedEvent {
  readonly type: string;
  readonly cursor: string;
  readonly json: string;
}

/** The event in the words of v1. */
export function encodeEvent(event: FollowEvent, encodeJob: (job: Job) => WireJob): EncodedEvent {
  const { type } = event;
  const cursor = encodeCursor(event.position);
  const encoded = (fields: Readonly<Record<string, unknown>>) => ({
    type,
    cursor,
    json: JSON.stringify({ type, cursor, ...fields }),
  });
  switch (event.type) {
    case "started":
      return encoded({ job: encodeJob(event.job) });
    case "gap":
      return encoded({ stream: event.stream, from: event.from, to: event.to });
    case "ended": {
      const job = encodeJob(event.job);
      return encoded({ outcome: job.outcome, job });
    }
    default: {
      const bytes = Buffer.from(event.bytes.buffer, event.bytes.byteOffset, event.bytes.byteLength);
      const content = event.isText ? { text: bytes.toString("utf8") } : { base64: bytes.toString("base64") };
      return encoded({ offset: event.offset, ...content });
    }
  }
}

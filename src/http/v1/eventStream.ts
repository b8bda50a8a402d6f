import type { ServerResponse } from "node:http";
import { setImmediate as turnOfOthers } from "node:timers/promises";
import { cut, roomIn } from "../backpressure.ts";
import type { EncodedEvent } from "./encodeEvent.ts";

export type StreamFormat = "sse" | "ndjson";

const types: Readonly<Record<StreamFormat, string>> = {
  sse: "text/event-stream; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
};

/** So much may wait for one slow client. */
const mostBufferedBytes = 256 * 1024;

interface StreamOptions {
  readonly format: StreamFormat;
  readonly heartbeatSeconds: number;
  /** Where the stream begins: the cursor of the first heartbeat. */
  readonly cursor: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers with events as they come, and with heartbeats while none does. Ends when the events end; one that fails cuts
 * the answer. A slow client holds back its own events alone.
 */
export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<EncodedEvent>,
  { format, heartbeatSeconds, cursor, headers }: StreamOptions,
): Promise<void> {
  response.writeHead(200, {
    "Content-Type": types[format],
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    ...headers,
  });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  let last = cursor;
  const beat = () => {
    // A client that does not read what it has needs no sign of life.
    if (response.writableLength > 0 || response.destroyed) return;
    response.write(frame(format, { type: "heartbeat", cursor: last, json: heartbeat(last) }));
  };
  const timer = setInterval(beat, heartbeatSeconds * 1_000);
  try {
    // Bun takes connections while there are any: without a rest, those who come would hold up those who are there.
    await turnOfOthers();
    for await (const event of events) {
      if (response.destroyed) break;
      last = event.cursor;
      timer.refresh();
      response.write(frame(format, event));
      await turnOfOthers();
      while (response.writableLength >= mostBufferedBytes && !response.destroyed) await roomIn(response);
    }
    if (!response.destroyed) response.end();
  } catch (error) {
    cut(response);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function heartbeat(cursor: string): string {
  return JSON.stringify({ type: "heartbeat", cursor });
}

function frame(format: StreamFormat, { type, cursor, json }: EncodedEvent): string {
  return format === "ndjson" ? `${json}\n` : `id: ${cursor}\nevent: ${type}\ndata: ${json}\n\n`;
}

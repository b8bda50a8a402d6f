import type { z } from "@hono/zod-openapi";
import type { eventSchema } from "../../src/protocol/events.ts";

export type WireEvent = z.infer<typeof eventSchema>;

export type StreamFormat = "sse" | "ndjson";

/** One event as it was framed; `id` and `name` are there in server-sent events alone. */
export interface Frame {
  readonly id?: string;
  readonly name?: string;
  readonly json: unknown;
}

/** Takes bytes as they come and gives the frames that are whole. Throws for what is no frame of that format. */
export function frameReader(format: StreamFormat): (chunk: Uint8Array) => Frame[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const separator = format === "sse" ? "\n\n" : "\n";
  let rest = "";
  return (chunk) => {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(separator);
    rest = parts.pop() ?? "";
    return parts.map((text) => (format === "sse" ? readSse(text) : { json: JSON.parse(text) }));
  };
}

/** Just the three lines that v1 sends, in their order. */
function readSse(text: string): Frame {
  const found = /^id: ([\w-]*)\nevent: ([\w.]+)\ndata: (\{.*\})$/.exec(text);
  const [, id, name, data] = found ?? [];
  if (id === undefined || name === undefined || data === undefined)
    throw new Error(`no event: ${JSON.stringify(text.slice(0, 300))}`);
  return { id, name, json: JSON.parse(data) };
}

export type OutputName = "stdout" | "stderr";

/** The bytes of one stream that these events bring; each must begin where the last one ended. */
export function bytesOf(events: readonly WireEvent[], stream: OutputName, from = 0): Buffer {
  const parts: Buffer[] = [];
  let at = from;
  for (const event of events) {
    if (event.type !== stream) continue;
    if (event.offset !== at) throw new Error(`${stream}: offset ${event.offset} instead of ${at}`);
    if ((event.text === undefined) === (event.base64 === undefined))
      throw new Error(`neither text nor base64, or both: ${JSON.stringify(event).slice(0, 300)}`);
    const bytes =
      event.text === undefined ? Buffer.from(event.base64 ?? "", "base64") : Buffer.from(event.text);
    if (bytes.byteLength === 0) throw new Error(`an event without bytes: ${JSON.stringify(event)}`);
    parts.push(bytes);
    at += bytes.byteLength;
  }
  return Buffer.concat(parts);
}

/** The same as text. */
export function textOf(events: readonly WireEvent[], stream: OutputName, from = 0): string {
  return bytesOf(events, stream, from).toString();
}

/** The types of the events, without heartbeats. */
export function typesOf(events: readonly WireEvent[]): string[] {
  return events.map(({ type }) => type).filter((type) => type !== "heartbeat");
}

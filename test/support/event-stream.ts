import { eventSchema } from "../../src/protocol/events.ts";
import { type Frame, frameReader, type StreamFormat, type WireEvent } from "./event-frames.ts";
import type { RequestOptions } from "./request.ts";
import type { Server } from "./server.ts";
import { within } from "./wait.ts";

export interface StreamRequest extends RequestOptions {
  format?: StreamFormat;
}

const accepts = { sse: "text/event-stream", ndjson: "application/x-ndjson" } as const;

/** An open stream of frames, read as they come, until its end or until it is left. */
export class FrameStream {
  readonly frames: Frame[] = [];
  /** How the body came to its end; null while it goes on. */
  ending: "ended" | "broken" | null = null;
  /** Why it broke. */
  failure: unknown;
  readonly #control: AbortController;
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly response: Response,
    format: StreamFormat,
    control: AbortController,
  ) {
    this.#control = control;
    void this.#read(format);
  }

  /** Waits for frames, or an end, that make the condition true. */
  async until(condition: () => boolean, describe: string, timeoutMilliseconds?: number): Promise<void> {
    let check = () => {};
    const reached = new Promise<void>((resolve, reject) => {
      check = () => {
        if (condition()) resolve();
        else if (this.ending !== null)
          reject(new Error(`${this.ending} (${this.failure}) before ${describe}: ${this.text()}`));
      };
    });
    this.#listeners.add(check);
    check();
    try {
      await within(reached, {
        describe: () => `${describe}; ${this.text()}`,
        ...(timeoutMilliseconds && { timeoutMilliseconds }),
      });
    } finally {
      this.#listeners.delete(check);
    }
  }

  /** Waits for the end of the body. */
  async untilOver(timeoutMilliseconds?: number): Promise<void> {
    await this.until(() => this.ending !== null, "the end of the stream", timeoutMilliseconds);
  }

  /** Leaves. */
  close(): void {
    this.#control.abort();
  }

  text(): string {
    return JSON.stringify(this.frames).slice(0, 1_000);
  }

  async #read(format: StreamFormat): Promise<void> {
    const read = frameReader(format);
    try {
      for await (const chunk of this.response.body ?? []) {
        this.frames.push(...read(chunk));
        this.#tell();
      }
      this.ending = "ended";
    } catch (error) {
      this.ending = "broken";
      this.failure = error;
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Opens a stream; the answer must be 200 and of that format. */
export async function openFrames(
  server: Server,
  path: string,
  { format = "ndjson", headers, ...options }: StreamRequest = {},
): Promise<FrameStream> {
  const control = new AbortController();
  const response = await server.request(path, {
    ...options,
    signal: control.signal,
    headers: { accept: accepts[format], ...Object.fromEntries(new Headers(headers)) },
  });
  if (response.status !== 200) throw new Error(`${path}: ${response.status}: ${await response.text()}`);
  const type = response.headers.get("content-type");
  if (!type?.startsWith(accepts[format])) throw new Error(`${path}: ${type} instead of ${accepts[format]}`);
  return new FrameStream(response, format, control);
}

/** A frame of a job's stream, held against the schema, its cursor and its name. */
export function eventOf({ json, id, name }: Frame): WireEvent {
  const event = eventSchema.parse(json);
  if (id !== undefined && id !== event.cursor) throw new Error(`id ${id} with the cursor ${event.cursor}`);
  if (name !== undefined && name !== event.type) throw new Error(`event ${name} with the type ${event.type}`);
  return event;
}

/** All events so far. */
export function eventsOf(stream: FrameStream): WireEvent[] {
  return stream.frames.map(eventOf);
}

/** A job's events to the end of the answer. */
export async function readEvents(
  server: Server,
  id: string,
  { query = "", ...options }: StreamRequest & { query?: string } = {},
): Promise<WireEvent[]> {
  const stream = await openFrames(server, `/v1/jobs/${id}/events${query}`, options);
  await stream.untilOver(30_000);
  return eventsOf(stream);
}

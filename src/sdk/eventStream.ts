import { throwIfCancelled } from "./cancel.ts";
import { ConnectionError, ErrandError, StreamCut } from "./errors.ts";
import { EventReader } from "./eventReader.ts";
import type { JobEvent } from "./eventTypes.ts";
import { linesOf } from "./lines.ts";
import type { EventsOptions } from "./options.ts";
import type { Opened, Transport } from "./transport.ts";

export const ndjson = "application/x-ndjson";

/** Where the events of a job come from. */
export interface EventSource {
  readonly transport: Transport;
  readonly jobId: string;
  /** The stream that the start has opened, to be read first. */
  readonly opened: Opened | null;
}

/** The events of a job, over cuts. Throws `StreamCut` when it cannot go on, `ErrandError` when it cannot begin, `Cancelled`. */
export async function* jobEvents(
  { transport, jobId, opened }: EventSource,
  { cursor, follow = true, signal }: EventsOptions,
): AsyncGenerator<JobEvent, void, undefined> {
  const reader = new EventReader(cursor);
  const reconnect = transport.reconnect(signal);
  let first = opened;
  let wasOpen = false;
  for (;;) {
    let failure: unknown;
    try {
      const stream = first ?? (await openEvents(transport, { jobId, cursor: reader.cursor, follow, signal }));
      first = null;
      wasOpen = true;
      for await (const line of linesOf(stream, transport.silenceSeconds)) {
        const event = reader.read(line);
        reconnect.connected();
        if (event === null) continue;
        yield event;
        if (event.type === "ended") return;
      }
      if (!follow) return;
      failure = new ConnectionError("the stream ended before the job");
    } catch (error) {
      failure = error;
    }
    throwIfCancelled(signal);
    try {
      await reconnect.pause(failure);
    } catch (error) {
      throw wasOpen ? cutBy(error, jobId, reader) : error;
    }
  }
}

interface Wanted {
  readonly jobId: string;
  readonly cursor: string | null;
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
}

function openEvents(transport: Transport, { jobId, cursor, follow, signal }: Wanted): Promise<Opened> {
  const query = new URLSearchParams();
  if (cursor !== null) query.set("cursor", cursor);
  if (!follow) query.set("follow", "false");
  const path = `${jobPath(jobId)}/events${query.size === 0 ? "" : `?${query}`}`;
  return transport.open({ path, headers: { Accept: ndjson }, signal });
}

/** Where a job is. */
export function jobPath(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobId)}`;
}

function cutBy(error: unknown, jobId: string, { received }: EventReader): unknown {
  if (!(error instanceof ConnectionError || error instanceof ErrandError)) return error;
  const message = `the events of job ${jobId} were cut and cannot be resumed: ${error.message}`;
  return new StreamCut(message, { jobId, received, cause: error });
}

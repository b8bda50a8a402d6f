import type { Broker } from "../../core/broker.ts";
import { isLive, type Job, type JobId } from "../../core/job.ts";
import type { OutputPosition, OutputReader, OutputStream, OutputStretch } from "../../core/ports.ts";
import { Changes } from "./changes.ts";
import { beginning } from "./cursor.ts";
import { gapsBehind, readablePosition } from "./gaps.ts";
import { incompleteTail, wholeCharacters } from "./wholeText.ts";

/** What happens in a job's life, for one who follows it. */
export type FollowEvent =
  | { readonly type: "started"; readonly position: OutputPosition; readonly job: Job }
  | {
      readonly type: OutputStream;
      /** After these bytes. */
      readonly position: OutputPosition;
      readonly offset: number;
      readonly bytes: Uint8Array;
      /** They are whole characters of UTF-8. */
      readonly isText: boolean;
    }
  | {
      readonly type: "gap";
      readonly position: OutputPosition;
      readonly stream: OutputStream;
      readonly from: number;
      readonly to: number;
    }
  | { readonly type: "ended"; readonly position: OutputPosition; readonly job: Job };

interface FollowOptions {
  /** What has been seen already; null for nothing at all: then `started` comes first. */
  readonly from: OutputPosition | null;
  /** Wait for more until the job has ended. */
  readonly live: boolean;
  /** Bytes as they are, whether they are whole characters or not. */
  readonly raw?: boolean;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
}

/** One event brings at most so much. */
const pieceBytes = 64 * 1024;
/** A character that is not finished within this time is told as bytes. */
const unfinishedMilliseconds = 1_000;

/** Follows a job that is there. What it gives comes in the order in which the command wrote it, each byte once. */
export async function* follow(
  broker: Broker,
  id: JobId,
  options: FollowOptions,
): AsyncGenerator<FollowEvent> {
  const changes = new Changes(broker, id, options.signal);
  let reader: OutputReader | null = null;
  try {
    let position = options.from ?? beginning;
    let startTold = options.from !== null;
    /** Whether an unfinished character is waited for. */
    let patient = true;
    let over: Job | undefined;
    for (;;) {
      changes.note();
      // What has ended stays as it is: no need to read its record again for each piece.
      const job: Job | undefined = over ?? broker.get(id);
      if (job === undefined || options.signal.aborted) return;
      if (!isLive(job)) over = job;
      if (!startTold && "startedAt" in job && job.startedAt !== null) {
        startTold = true;
        yield { type: "started", position, job };
      }
      reader ??= broker.follow(id);
      const wish = { raw: options.raw === true, waitForRest: patient && options.live && isLive(job) };
      const place = isLive(job) ? position : readablePosition(broker, job, position);
      // A shim's command may have written before its server hears that it runs: the start is told first.
      const isEarly = !startTold && isLive(job);
      const event = reader === null || isEarly ? null : await next(reader, place, wish);
      if (event === "unfinished") {
        patient = await changes.wait(unfinishedMilliseconds);
      } else if (event !== null) {
        patient = true;
        position = event.position;
        yield event;
      } else if (!isLive(job)) {
        for (const gap of gapsBehind(job, position)) {
          position = { ...position, [gap.stream]: gap.to };
          yield { type: "gap", position, ...gap };
        }
        yield { type: "ended", position, job };
        return;
      } else if (!options.live) {
        return;
      } else {
        await changes.wait();
      }
    }
  } finally {
    reader?.close();
    changes.close();
  }
}

type OutputEvent = Extract<FollowEvent, { type: OutputStream }>;

/** The next piece of output; null when there is none, "unfinished" when it is less than a character. */
async function next(
  reader: OutputReader,
  position: OutputPosition,
  { raw, waitForRest }: { readonly raw: boolean; readonly waitForRest: boolean },
): Promise<OutputEvent | "unfinished" | null> {
  for (let least = 0; ; ) {
    const stretch = reader.at(position);
    if (stretch === null) return null;
    const { stream } = stretch;
    const offset = position[stream];
    const length = Math.min(pieceBytes, spanOf(reader, position, stretch));
    const bytes = await reader.read(stream, offset, length);
    if (bytes.byteLength === 0) return null;
    const give = (part: Uint8Array, isText: boolean): OutputEvent => {
      const after = { ...position, [stream]: offset + part.byteLength };
      return { type: stream, position: after, offset, bytes: part, isText };
    };
    if (raw) return give(bytes, false);
    const whole = wholeCharacters(bytes);
    if (whole > 0) return give(bytes.subarray(0, whole), true);
    // What may be the begin of a character is left for the next event, which may be text again.
    const binary = bytes.byteLength - incompleteTail(bytes);
    if (binary > 0) return give(bytes.subarray(0, binary), false);
    const after = reader.at({ ...position, [stream]: offset + bytes.byteLength });
    // It has come while its begin was read.
    if (after?.stream === stream && length > least) {
      least = length;
      continue;
    }
    // The rest of the character may be on its way, unless something else has come first.
    return waitForRest && after === null ? "unfinished" : give(bytes, false);
  }
}

/** How many bytes of one stream come in a row, as far as that matters. */
function spanOf(reader: OutputReader, position: OutputPosition, first: OutputStretch): number {
  let bytes = first.bytes;
  let stretch: OutputStretch | null = first;
  while (stretch?.complete && bytes < pieceBytes) {
    stretch = reader.at({ ...position, [first.stream]: position[first.stream] + bytes });
    if (stretch?.stream !== first.stream) break;
    bytes += stretch.bytes;
  }
  return bytes;
}

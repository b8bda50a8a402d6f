import { throwIfCancelled } from "./cancel.ts";
import { Cutter } from "./cutter.ts";
import { ConnectionError, StreamCut } from "./errors.ts";
import type { OutputOptions } from "./options.ts";
import { OutputPlace, type OutputSource } from "./outputPlace.ts";

type Piece = Uint8Array<ArrayBuffer>;

/** Output byte for byte, over cuts. Who cancels it closes the connection. */
export function outputStream(source: OutputSource, options: OutputOptions): ReadableStream<Piece> {
  checkOptions(options);
  const stop = new Cutter(options.signal);
  const pieces = outputPieces(source, options, stop.signal);
  return new ReadableStream<Piece>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (!done) return controller.enqueue(value);
          stop.end();
          controller.close();
        } catch (error) {
          stop.end();
          throw error;
        }
      },
      async cancel() {
        stop.end();
        await pieces.return().catch(() => undefined);
      },
    },
    // Nothing is asked for before somebody reads.
    { highWaterMark: 0 },
  );
}

function checkOptions({ from, tail }: OutputOptions): void {
  if (from !== undefined && tail !== undefined) throw new TypeError("give from or tail");
  if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0))
    throw new RangeError("from: an offset of a byte is needed");
  if (tail !== undefined && !(Number.isSafeInteger(tail) && tail > 0))
    throw new RangeError("tail: a number of bytes is needed");
}

async function* outputPieces(
  source: OutputSource,
  { from = 0, tail, follow = true }: OutputOptions,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, undefined> {
  const reconnect = source.transport.reconnect(signal);
  const place = new OutputPlace(source, { from, tail: tail ?? null, follow, signal });
  for (;;) {
    let failure: unknown = null;
    try {
      for await (const piece of place.pieces()) {
        reconnect.connected();
        yield piece;
      }
    } catch (error) {
      failure = error;
    }
    throwIfCancelled(signal);
    if (place.wasSilent) {
      reconnect.connected();
      continue;
    }
    const next = await whatNext(place, failure);
    if (next === "end") return;
    if (next === "more") continue;
    try {
      await reconnect.pause(next.failure);
    } catch (error) {
      throw place.failure(error);
    }
  }
}

type Next = "end" | "more" | { readonly failure: unknown };

/** What to do after an answer that has ended, or failed. */
async function whatNext(place: OutputPlace, failure: unknown): Promise<Next> {
  if (failure !== null && !place.isFollowing) return { failure };
  try {
    const next = await place.next({ repeatable: failure === null });
    return next === "cut" ? { failure: failure ?? new ConnectionError("it ended before the job") } : next;
  } catch (error) {
    return { failure: error instanceof StreamCut ? error : (failure ?? error) };
  }
}

import type { Broker } from "../../core/broker.ts";
import type { Job } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";

/** A stream of an ended job as text. */
export interface OutputText {
  readonly text: string;
  /** Something that the command wrote is missing. */
  readonly truncated: boolean;
}

/**
 * What is kept of a stream, at most so many bytes from its start, as UTF-8 with replacement characters. A character at
 * the cut is left out whole.
 */
export async function readText(
  broker: Broker,
  job: Job,
  { stream, mostBytes }: { readonly stream: OutputStream; readonly mostBytes: number },
): Promise<OutputText> {
  const kept = broker.outputBytes(job.id, stream) ?? 0;
  const length = Math.min(kept, mostBytes);
  const bytes = length > 0 ? await readKept(broker, job, { stream, length }) : nothing;
  const summary = job.state === "ended" || job.state === "lost" ? job.output?.[stream] : undefined;
  const truncated = bytes.byteLength < Math.max(kept, summary?.bytes ?? 0) || (summary?.truncated ?? false);
  // A decoder that expects more keeps an unfinished character back: it is not at its end, but at the cut.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: truncated });
  return { text, truncated };
}

const nothing = new Uint8Array(0);

/** An ended job may be removed at any time to make room for others: then nothing is left. */
async function readKept(
  broker: Broker,
  { id }: Job,
  { stream, length }: { readonly stream: OutputStream; readonly length: number },
): Promise<Uint8Array> {
  try {
    return await broker.readOutput(id, stream, 0, length);
  } catch (error) {
    if (broker.outputBytes(id, stream) === null) return nothing;
    throw error;
  }
}

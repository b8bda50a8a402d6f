import type { Broker } from "../../core/broker.ts";
import type { Job } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";
import { wholeCharacters } from "./wholeText.ts";

/** A stream of an ended job in an answer: text when all of it is, else base64. */
type Captured = ({ readonly text: string } | { readonly base64: string }) & { readonly truncated: boolean };

/** Both streams, at most so many bytes of each; null for one that is not kept. */
export async function captureOutput(
  broker: Broker,
  job: Job,
  mostBytes: number,
): Promise<Readonly<Record<OutputStream, Captured | null>>> {
  const [stdout, stderr] = await Promise.all([
    capture(broker, job, "stdout", mostBytes),
    capture(broker, job, "stderr", mostBytes),
  ]);
  return { stdout, stderr };
}

async function capture(
  broker: Broker,
  job: Job,
  stream: OutputStream,
  mostBytes: number,
): Promise<Captured | null> {
  const kept = broker.outputBytes(job.id, stream);
  if (kept === null) return null;
  const read = await broker.readOutput(job.id, stream, 0, Math.min(kept, mostBytes));
  const summary = job.state === "ended" ? job.output[stream] : null;
  const truncated = kept > read.byteLength || (summary?.truncated ?? false);
  const whole = wholeCharacters(read);
  const isText = whole === read.byteLength || (truncated && whole > 0);
  const bytes = Buffer.from(read.buffer, read.byteOffset, isText ? whole : read.byteLength);
  return isText
    ? { text: bytes.toString("utf8"), truncated }
    : { base64: bytes.toString("base64"), truncated };
}

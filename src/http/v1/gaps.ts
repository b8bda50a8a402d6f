import type { Broker } from "../../core/broker.ts";
import type { Job, OutputSummary } from "../../core/job.ts";
import type { OutputPosition, OutputStream } from "../../core/ports.ts";

/** Bytes that came and are not kept. */
export interface Gap {
  readonly stream: OutputStream;
  readonly from: number;
  readonly to: number;
}

const streams = ["stdout", "stderr"] as const;

/** What is missing behind that position, where all that is kept has been read. */
export function gapsBehind(job: Job, position: OutputPosition): Gap[] {
  const output = outputOf(job);
  return streams.flatMap((stream) => {
    const [from, to] = [position[stream], output?.[stream].bytes ?? 0];
    return to > from ? [{ stream, from, to }] : [];
  });
}

/** Where to read on: a cursor behind a gap stands behind bytes that nobody has. */
export function readablePosition(broker: Broker, job: Job, position: OutputPosition): OutputPosition {
  const output = outputOf(job);
  const readable = (stream: OutputStream) => {
    if (output === null || position[stream] !== output[stream].bytes) return position[stream];
    // Files that have been removed are still read by those who have them open: nothing begins anew.
    return Math.min(position[stream], broker.outputBytes(job.id, stream) ?? position[stream]);
  };
  return { stdout: readable("stdout"), stderr: readable("stderr") };
}

/** To be called before an answer begins. Throws `invalid-parameter` for a position that never was. */
export function checkPosition(broker: Broker, job: Job, position: OutputPosition): void {
  const reader = broker.follow(job.id);
  try {
    reader?.at(readablePosition(broker, job, position));
  } finally {
    reader?.close();
  }
}

function outputOf(job: Job): OutputSummary | null {
  return job.state === "ended" || job.state === "lost" ? job.output : null;
}

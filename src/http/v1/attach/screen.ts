import type { Broker } from "../../../core/broker.ts";
import type { JobId, TerminalSize } from "../../../core/job.ts";
import { beginning } from "../cursor.ts";
import { drawn } from "./drawing.ts";
import { restingPlace } from "./escapes.ts";
import type { Replay } from "./replay.ts";

interface ScreenParts {
  readonly broker: Broker;
  readonly id: JobId;
  readonly size: TerminalSize;
  /** The screen is drawn from so much of the last output, and takes no more itself. */
  readonly mostBytes: number;
  /** Aborted when nobody wants to see it any more. */
  readonly signal: AbortSignal;
}

/** One at a time: a screen takes time and memory to draw. */
let last: Promise<unknown> = Promise.resolve();

/** What a job's terminal shows now, as bytes that draw it. Output goes on behind what is in the picture. */
export function drawScreen(parts: ScreenParts): Promise<Replay> {
  const replay = last.then(() => draw(parts));
  last = replay.catch(() => {});
  return replay;
}

async function draw({ broker, id, size, mostBytes, signal }: ScreenParts): Promise<Replay> {
  // Those who have gone must not be waited for.
  if (signal.aborted) return { position: beginning, screen: null };
  const kept = broker.outputBytes(id, "stdout") ?? 0;
  const from = Math.max(0, kept - mostBytes);
  const read = await broker.readOutput(id, "stdout", from, kept - from);
  const { screen, bytes } = await drawn(read, size, signal);
  // A sequence that has not come to its end is left to the output that follows.
  const position = { ...beginning, stdout: from + restingPlace(read.subarray(0, bytes)) };
  return { position, screen: screen.byteLength > mostBytes ? new Uint8Array(0) : screen };
}

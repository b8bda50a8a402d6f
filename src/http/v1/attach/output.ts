import type { Broker } from "../../../core/broker.ts";
import type { Job, JobId } from "../../../core/job.ts";
import type { OutputPosition } from "../../../core/ports.ts";
import type { WireJob } from "../../../protocol/job.ts";
import { encodeCursor } from "../cursor.ts";
import { type FollowEvent, follow } from "../follow.ts";
import type { Replay } from "./replay.ts";
import type { AttachWire } from "./wire.ts";

/** A drawn screen goes out in frames of at most so much, as output does. */
const pieceBytes = 64 * 1024;

interface OutputParts {
  readonly broker: Broker;
  readonly id: JobId;
  readonly wire: AttachWire;
  readonly replay: Replay;
  readonly encode: (job: Job) => WireJob;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
  /** The client has been sent everything up to there. */
  readonly onPosition: (position: OutputPosition) => void;
}

/** Sends a job's output, from where the replay begins to its end, as fast as the client takes it. False when the end was not reached. */
export async function sendOutput(parts: OutputParts): Promise<boolean> {
  const { broker, id, wire, replay, signal, onPosition } = parts;
  const { position: from, screen } = replay;
  if (screen !== null) await sendScreen(wire, screen);
  if (screen !== null) wire.control({ type: "cursor", cursor: encodeCursor(from) });
  onPosition(from);
  const kept = {
    stdout: broker.outputBytes(id, "stdout") ?? 0,
    stderr: broker.outputBytes(id, "stderr") ?? 0,
  };
  let live = false;
  const tellLive = ({ stdout, stderr }: OutputPosition) => {
    if (live || stdout < kept.stdout || stderr < kept.stderr) return;
    live = true;
    wire.control({ type: "live" });
  };
  tellLive(from);
  for await (const event of follow(broker, id, { from, live: true, raw: true, signal })) {
    onPosition(event.position);
    // What is not kept any more is not waited for.
    if (event.type === "ended") tellLive(kept);
    send(parts, event);
    tellLive(event.position);
    if (event.type === "ended") return true;
    await wire.room();
    if (wire.closed) break;
  }
  return false;
}

async function sendScreen(wire: AttachWire, screen: Uint8Array): Promise<void> {
  for (let offset = 0; offset < screen.byteLength; offset += pieceBytes) {
    wire.output("stdout", screen.subarray(offset, offset + pieceBytes));
    await wire.room();
  }
}

function send({ wire, encode }: OutputParts, event: FollowEvent): void {
  const cursor = encodeCursor(event.position);
  switch (event.type) {
    case "started":
      return;
    case "gap": {
      const { type, stream, from, to } = event;
      wire.control({ type, stream, from, to, cursor });
      return;
    }
    case "ended": {
      const job = encode(event.job);
      wire.control({ type: "ended", cursor, outcome: job.outcome, job });
      return;
    }
    default:
      wire.output(event.type, event.bytes);
      wire.control({ type: "cursor", cursor });
  }
}

import type { Broker } from "../../../core/broker.ts";
import type { JobId, TerminalSize } from "../../../core/job.ts";
import { beginning } from "../cursor.ts";
import { restingPlace } from "./escapes.ts";
import type { Replay } from "./replay.ts";

interface ScreenParts {
  readonly broker: Broker;
  readonly id: JobId;
  readonly size: TerminalSize;
  /** The screen is drawn from so much of the last output. */
  readonly mostBytes: number;
}

/** One at a time: a screen takes time and memory to draw. */
let last: Promise<unknown> = Promise.resolve();

/**
 * What a job's terminal shows now, as bytes that draw it on an empty terminal of the same size. They ask a terminal
 * nothing, so that nothing is answered to the job.
 */
export function drawScreen(parts: ScreenParts): Promise<Replay> {
  const drawn = last.then(() => draw(parts));
  last = drawn.catch(() => {});
  return drawn;
}

async function draw({ broker, id, size, mostBytes }: ScreenParts): Promise<Replay> {
  const kept = broker.outputBytes(id, "stdout") ?? 0;
  const from = Math.max(0, kept - mostBytes);
  const read = await broker.readOutput(id, "stdout", from, kept - from);
  // A sequence that has not come to its end is left to the output that follows.
  const bytes = read.subarray(0, restingPlace(read));
  // Loaded when somebody wants a screen: nobody else pays for it.
  const [{ default: xterm }, { SerializeAddon }] = await Promise.all([
    import("@xterm/headless"),
    import("@xterm/addon-serialize"),
  ]);
  const terminal = new xterm.Terminal({ ...size, scrollback: 0, allowProposedApi: true });
  try {
    const serialize = new SerializeAddon();
    terminal.loadAddon(serialize);
    await new Promise<void>((resolve) => {
      terminal.write(bytes, resolve);
    });
    const position = { ...beginning, stdout: from + bytes.byteLength };
    return { position, screen: Buffer.from(serialize.serialize()) };
  } finally {
    terminal.dispose();
  }
}

import type { Terminal } from "@xterm/headless";
import type { TerminalSize } from "../../../core/job.ts";
import { mostTerminalCells } from "../../../protocol/terminal.ts";

/** After so much the terminal looks whether others have waited long enough. */
const pieceBytes = 512;
/** So much is handed over at once, at the begin and when that went quickly. */
const firstBatchBytes = 1024;
const largestBatchBytes = 16 * 1024;
const quickMilliseconds = 10;
/** What is not drawn in this time is left out. */
const mostMilliseconds = 2_000;

/** Scroll up and down, insert and delete lines, tabs forward and back, repeat: done as often as their number says. */
const repeating = ["S", "T", "L", "M", "I", "Z", "b"] as const;
const cursorMode = 25;

interface Drawn {
  /** What draws the same screen on an empty terminal. It asks the terminal nothing. */
  readonly screen: Buffer;
  /** It stands for so many bytes from the start. */
  readonly bytes: number;
}

/** What a terminal of that size shows after these bytes, or after as many as could be drawn before nobody wanted it. */
export async function drawn(
  bytes: Uint8Array,
  size: TerminalSize,
  signal: AbortSignal | null = null,
): Promise<Drawn> {
  // Loaded when somebody wants a screen: nobody else pays for it.
  const [{ default: xterm }, { SerializeAddon }] = await Promise.all([
    import("@xterm/headless"),
    import("@xterm/addon-serialize"),
  ]);
  const terminal = new xterm.Terminal({ ...size, scrollback: 0, allowProposedApi: true });
  try {
    const serialize = new SerializeAddon();
    terminal.loadAddon(serialize);
    const cursor = watch(terminal);
    const fed = await feed(terminal, bytes, signal);
    const screen = Buffer.from(serialize.serialize() + (cursor.hidden ? "\x1b[?25l" : ""));
    return { screen, bytes: fed };
  } finally {
    terminal.dispose();
  }
}

/** Keeps numbers that would take for ever from the terminal, and notes what its picture does not tell. */
function watch({ parser }: Terminal): { readonly hidden: boolean } {
  const cursor = { hidden: false };
  for (const final of repeating)
    parser.registerCsiHandler({ final }, ([count]) => typeof count === "number" && count > mostTerminalCells);
  const note = (hidden: boolean) => (params: readonly (number | number[])[]) => {
    if (params.includes(cursorMode)) cursor.hidden = hidden;
    return false;
  };
  parser.registerCsiHandler({ prefix: "?", final: "l" }, note(true));
  parser.registerCsiHandler({ prefix: "?", final: "h" }, note(false));
  const reset = () => {
    cursor.hidden = false;
    return false;
  };
  parser.registerEscHandler({ final: "c" }, reset);
  parser.registerCsiHandler({ intermediates: "!", final: "p" }, reset);
  return cursor;
}

/** How many bytes were drawn in the time that there is. */
async function feed(terminal: Terminal, bytes: Uint8Array, signal: AbortSignal | null): Promise<number> {
  const giveUpAt = performance.now() + mostMilliseconds;
  let batchBytes = firstBatchBytes;
  let fed = 0;
  for (let now = performance.now(); fed < bytes.byteLength && now < giveUpAt && signal?.aborted !== true; ) {
    const batch = bytes.subarray(fed, fed + batchBytes);
    await new Promise<void>((resolve) => {
      for (let offset = 0; offset < batch.byteLength; offset += pieceBytes)
        terminal.write(batch.subarray(offset, offset + pieceBytes));
      terminal.write("", resolve);
    });
    fed += batch.byteLength;
    const wasQuick = performance.now() - now < quickMilliseconds;
    batchBytes = wasQuick ? Math.min(2 * batchBytes, largestBatchBytes) : firstBatchBytes;
    now = performance.now();
  }
  return fed;
}

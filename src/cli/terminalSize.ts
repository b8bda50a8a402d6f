import { isatty } from "node:tty";
import type { TerminalSize } from "../sdk/attachTypes.ts";

/** What programs expect that are not told. */
const usualSize: TerminalSize = { cols: 80, rows: 24 };

/** The size of the terminal that this program writes to, else the usual one. */
export function terminalSize(): TerminalSize {
  const stream = isatty(1) ? process.stdout : isatty(2) ? process.stderr : null;
  const [cols, rows] = stream?.getWindowSize() ?? [0, 0];
  // One whose size was never set has none.
  return cols > 0 && rows > 0 ? { cols, rows } : usualSize;
}

/** Calls back when it changes; gives what ends that. */
export function onResize(listener: () => void): () => void {
  process.on("SIGWINCH", listener);
  return () => process.off("SIGWINCH", listener);
}

import { ErrandError } from "../../core/errors.ts";
import type { OutputPosition } from "../../core/ports.ts";

/** The place before all output. */
export const beginning: OutputPosition = { stdout: 0, stderr: 0 };

/** A cursor: so many bytes of each stream have been seen. */
export function encodeCursor({ stdout, stderr }: OutputPosition): string {
  return `${stdout}-${stderr}`;
}

/** Reads a cursor. Throws `invalid-parameter`. */
export function decodeCursor(text: string): OutputPosition {
  const [, stdout, stderr] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (stdout !== undefined && stderr !== undefined) return { stdout: Number(stdout), stderr: Number(stderr) };
  throw new ErrandError(
    "invalid-parameter",
    `cursor ${JSON.stringify(text)}: the cursor of an event is allowed`,
  );
}

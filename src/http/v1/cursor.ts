import { ErrandError } from "../../core/errors.ts";
import type { OutputPosition } from "../../core/ports.ts";

/** The place before all output. */
export const beginning: OutputPosition = { stdout: 0, stderr: 0 };

/** A cursor: so many bytes of each stream have been seen. */
export function encodeCursor({ stdout, stderr }: OutputPosition): string {
  return `${stdout}-${stderr}`;
}

/** The cursor of one who has not even seen the job start. */
export const nothingSeen = "start";

/** Reads a cursor; null for one who has seen nothing. Throws `invalid-parameter`. */
export function decodeCursor(text: string): OutputPosition | null {
  if (text === nothingSeen) return null;
  const [, stdout, stderr] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (stdout !== undefined && stderr !== undefined) return { stdout: Number(stdout), stderr: Number(stderr) };
  throw new ErrandError(
    "invalid-parameter",
    `cursor ${JSON.stringify(text)}: the cursor of an event is allowed`,
  );
}

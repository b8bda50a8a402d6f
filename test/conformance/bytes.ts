import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "./stage.ts";

/** All 256 values in many orders, CRLF, NUL and what is no UTF-8 among them. */
export const allValues = Uint8Array.from(
  { length: 256 * 16 },
  (_, index) => (index * 7 + (index >> 8)) % 256,
);

/** Numbered lines, so that a hole or a repetition shows; the same as the program `print-bytes` prints. */
export function numbered(count: number): Uint8Array<ArrayBuffer> {
  const lines = Array.from(
    { length: Math.ceil(count / 16) },
    (_, index) => `${String(index).padStart(15, "0")}\n`,
  );
  return bytesOf(lines.join("").slice(0, count));
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

export const textOf = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes ?? new Uint8Array(0));

/** A file with these bytes in the directory of the suite. */
export function fileWith(stage: Stage, name: string, bytes: Uint8Array | string): string {
  const path = join(stage.home, name);
  writeFileSync(path, bytes);
  return path;
}

/** These bytes as the door hands them out: a text door puts replacement characters for what is no UTF-8. */
export function expectBytes(stage: Stage, actual: Uint8Array | null, expected: Uint8Array): void {
  const handed = stage.has("exactBytes")
    ? expected
    : bytesOf(new TextDecoder("utf-8", { ignoreBOM: true }).decode(expected));
  const same = actual !== null && Buffer.from(actual).equals(Buffer.from(handed));
  // A difference in megabytes is told by its place.
  if (!same) expect(difference(actual ?? new Uint8Array(0), handed)).toBe("none");
}

function difference(actual: Uint8Array, expected: Uint8Array): string {
  const at = expected.findIndex((byte, index) => actual[index] !== byte);
  const place = at < 0 ? expected.byteLength : at;
  const shown = (bytes: Uint8Array) => JSON.stringify(textOf(bytes.subarray(place, place + 40)));
  return `at ${place} of ${expected.byteLength} (${actual.byteLength} came): ${shown(actual)}, not ${shown(expected)}`;
}

import { ErrandError } from "../../core/errors.ts";

/** Bytes from `start`, up to but without `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The bytes that a Range header asks for; null for none, and for what RFC 9110 lets a server ignore: other units, several
 * ranges. Throws `invalid-range` for bytes that are not there.
 */
export function readRange(header: string | undefined, bytes: number): ByteRange | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const start = Math.max(0, bytes - Number(last));
    if (Number(last) === 0 || start >= bytes) throw notThere(bytes);
    return { start, end: bytes };
  }
  const start = Number(first);
  if (start >= bytes) throw notThere(bytes);
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  return end > start ? { start, end } : null;
}

function notThere(bytes: number): ErrandError {
  return new ErrandError("invalid-range", `there are ${bytes} bytes so far`);
}

import { InvalidArgumentError } from "commander";

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds from `30`, `1.5s`, `500ms`, `5m`, `2h` or `7d`. */
export function seconds(text: string): number {
  const [, digits, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError("A time is needed, such as 30, 1.5s, 500ms, 5m, 2h or 7d.");
  return Number((Number(digits) * (unitSeconds[unit] ?? 1)).toFixed(3));
}

const unitBytes: Readonly<Record<string, number>> = { k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3, t: 1_024 ** 4 };

/** Bytes from `1000`, `64K`, `10M` or `1G`; K is 1,024. */
export function byteCount(text: string): number {
  const [, digits, unit] = /^(\d+)(?:([kmgt])(?:i?b)?)?$/i.exec(text) ?? [];
  const count = Number(digits) * (unit === undefined ? 1 : (unitBytes[unit.toLowerCase()] ?? 1));
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("A number of bytes is needed, such as 1000, 64K, 10M or 1G.");
}

/** A reader of whole numbers in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is allowed.`);
  };
}

/** For options that may be repeated. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** A reader of `name=value` that may be repeated; a name that comes twice takes its last value. */
export function collectPair(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("NAME=VALUE is needed.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Control characters, and those that turn the direction of writing: they could repaint the terminal. */
const control = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;
const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001b": "\\e" };

/** The text with every character escaped that a terminal would act upon. */
export function visible(text: string): string {
  return text.replace(control, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return named[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** How many columns of a terminal it takes. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

const graphemes = new Intl.Segmenter();

/** The text, or its beginning and an ellipsis when it is wider than `columns`. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ["", 1];
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

const plain = /^[\w@%+=:,./-]+$/;

/** A command line as one would type it into a shell. */
export function shellWords(command: readonly string[]): string {
  return command.map((word) => (plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
] as const;

/** A duration in two units at most: `3d 4h`, `5m 2s`, `12s`, `0.3s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, Math.round(seconds * 10) / 10)}s`;
  const whole = Math.round(seconds);
  for (const [index, [size, name]] of units.entries()) {
    if (whole < size) continue;
    const [smaller, smallerName] = units[index + 1] ?? ([1, "s"] as const);
    const rest = Math.floor((whole % size) / smaller);
    return `${Math.floor(whole / size)}${name}${rest === 0 ? "" : ` ${rest}${smallerName}`}`;
  }
  return `${whole}s`;
}

const sizes = ["KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes as people read it: `512 B`, `1.5 GiB`. */
export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  let value = count / 1_024;
  for (const [index, unit] of sizes.entries()) {
    if (value < 1_024 || index === sizes.length - 1) return `${Number(value.toFixed(1))} ${unit}`;
    value /= 1_024;
  }
  return `${count} B`;
}

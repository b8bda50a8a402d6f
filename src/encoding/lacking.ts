import { EncodingError } from "./errors.ts";

/** The error for a character that a code page has not. */
export function lackingError(text: string, position: number, codePage: number): EncodingError {
  const point = text.codePointAt(position) ?? 0;
  const number = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  const character = String.fromCodePoint(point);
  // Controls, halves of pairs and unassigned characters would not show.
  const shown = /[\p{C}\p{Z}]/u.test(character) ? number : `${JSON.stringify(character)} (${number})`;
  return new EncodingError(
    `code page ${codePage} has no character ${shown}, which stands at ${position}`,
    position,
  );
}

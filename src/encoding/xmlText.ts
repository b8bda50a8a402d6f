import { EncodingError } from "./errors.ts";

/** Turns text into text for an XML document, piece by piece, wherever the pieces are cut. */
export interface XmlTextEncoder {
  write(text: string): string;
  end(): string;
}

/** What XML 1.0 cannot hold in any form; with the flag u a lone surrogate is met, half of a pair is not. */
const unholdable = "\\0-\\x08\\x0B\\x0C\\x0E-\\x1F\\uD800-\\uDFFF\\uFFFE\\uFFFF";
const firstUnholdable = new RegExp(`[${unholdable}]`, "u");
const notPlainInText = new RegExp(`[&<>\\r${unholdable}]`, "gu");
const notPlainInAttribute = new RegExp(`[&<>"'\\t\\n\\r${unholdable}]`, "gu");

const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** Text for the content of an element. A carriage return is kept; what XML cannot hold becomes U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(notPlainInText, referenceOrReplacement);
}

/** The same for an attribute in either kind of quotes. Line ends and tabs are kept too. */
export function escapeAttribute(text: string): string {
  return text.replace(notPlainInAttribute, referenceOrReplacement);
}

/** `escapeText` piece by piece: a surrogate pair cut in two is kept. */
export function xmlTextEncoder(): XmlTextEncoder {
  return wholeCharacters(escapeText);
}

/** Position of the first character that XML 1.0 cannot hold in any form, −1 if there is none. */
export function findUnholdable(text: string): number {
  return text.search(firstUnholdable);
}

/**
 * CDATA that a parser reads back as exactly the text: the end mark is split over two sections, and carriage returns
 * stand between sections as references, because a parser would turn them into line feeds.
 * A character that XML cannot hold is an EncodingError.
 */
export function cdata(text: string): string {
  if (text === "") return "";
  const position = findUnholdable(text);
  if (position >= 0) throw unholdableError(text, position);
  const inside = text
    .replaceAll("]]>", "]]]]><![CDATA[>")
    .replace(/\r+/g, (returns) => `]]>${"&#13;".repeat(returns.length)}<![CDATA[`);
  return `<![CDATA[${inside}]]>`;
}

/**
 * `cdata` piece by piece. Every piece becomes sections of its own, so an end mark cut in two needs no care.
 * The position in an EncodingError counts from the start of the piece.
 */
export function cdataEncoder(): XmlTextEncoder {
  return wholeCharacters(cdata);
}

function referenceOrReplacement(character: string): string {
  return references[character] ?? "\uFFFD";
}

/** Holds the first half of a surrogate pair back until the second comes. */
function wholeCharacters(encode: (text: string) => string): XmlTextEncoder {
  let held = "";
  return {
    write(text) {
      const all = held + text;
      const last = all.charCodeAt(all.length - 1);
      const isHalf = last >= 0xd800 && last <= 0xdbff;
      held = isHalf ? all.slice(-1) : "";
      return encode(isHalf ? all.slice(0, -1) : all);
    },
    end() {
      const rest = held;
      held = "";
      return encode(rest);
    },
  };
}

function unholdableError(text: string, position: number): EncodingError {
  const number = text.charCodeAt(position).toString(16).toUpperCase().padStart(4, "0");
  return new EncodingError(`XML cannot hold the character U+${number} at ${position}`, position);
}

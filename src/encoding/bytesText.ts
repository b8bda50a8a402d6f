import { EncodingError } from "./errors.ts";

/** Turns bytes into text that stands for the bytes themselves, piece by piece, wherever the pieces are cut. */
export interface ByteTextEncoder {
  write(bytes: Uint8Array): string;
  end(): string;
}

/** Base64 encodes this many bytes at once, so up to one less waits for the next piece. */
const base64GroupBytes = 3;

/** Lower-case pairs of hexadecimal digits. */
export function hexEncoder(): ByteTextEncoder {
  return { write: (bytes) => bytes.toHex(), end: () => "" };
}

/** Base64 of RFC 4648 in one unbroken line; the padding comes at the end alone. */
export function base64Encoder(): ByteTextEncoder {
  let held = new Uint8Array(0);
  return {
    write(bytes) {
      const all = held.length === 0 ? bytes : joined(held, bytes);
      const whole = all.length - (all.length % base64GroupBytes);
      // A copy, because the caller may use its buffer again.
      held = all.slice(whole);
      return all.subarray(0, whole).toBase64();
    },
    end() {
      const rest = held.toBase64();
      held = new Uint8Array(0);
      return rest;
    },
  };
}

/** Percent-encoding of all bytes but the unreserved characters of RFC 3986, with upper-case digits. */
export function urlEncoder(): ByteTextEncoder {
  return { write: percentEncoded, end: () => "" };
}

/** The bytes of hexadecimal text. White space may stand anywhere; anything else wrong is an EncodingError. */
export function decodeHex(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text.replace(whiteSpace, ""));
  } catch {
    throw hexError(text);
  }
}

/** The bytes of padded base64 text. White space may stand anywhere; anything else wrong is an EncodingError. */
export function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text.replace(whiteSpace, ""), { lastChunkHandling: "strict" });
  } catch {
    throw base64Error(text);
  }
}

const whiteSpace = /[\t\n\r ]+/g;
const unreserved = /[A-Za-z0-9\-._~]/;

/** Byte → its form in ASCII, for speed. */
const percentForms = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (unreserved.test(character)) return Uint8Array.of(byte);
  return new TextEncoder().encode(`%${byte.toString(16).toUpperCase().padStart(2, "0")}`);
});

function percentEncoded(bytes: Uint8Array): string {
  const ascii = new Uint8Array(bytes.length * 3);
  let length = 0;
  for (const byte of bytes) {
    for (const code of percentForms[byte] ?? []) ascii[length++] = code;
  }
  return new TextDecoder().decode(ascii.subarray(0, length));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function hexError(text: string): EncodingError {
  const position = text.search(/[^0-9A-Fa-f\t\n\r ]/);
  if (position >= 0) return wrongCharacter(text, position, "hexadecimal");
  return new EncodingError("hexadecimal text has an odd number of digits", text.length);
}

/** What the runtime refused, and where: it does not say so itself. */
function base64Error(text: string): EncodingError {
  let digits = 0;
  let padding = 0;
  let lastDigit = 0;
  for (let position = 0; position < text.length; position++) {
    const character = text.charAt(position);
    if (/[\t\n\r ]/.test(character)) continue;
    if (character === "=") {
      padding++;
      // Padding fills a group of four up, of which at least two are digits.
      if (digits % 4 < 2 || (digits % 4) + padding > 4) return wrongCharacter(text, position, "base64");
    } else if (padding > 0 || !/[A-Za-z0-9+/]/.test(character)) {
      return wrongCharacter(text, position, "base64");
    } else {
      digits++;
      lastDigit = position;
    }
  }
  if ((digits + padding) % 4 !== 0)
    return new EncodingError("base64 text ends inside a group of four", text.length);
  return new EncodingError(`the last digit of base64 text at ${lastDigit} has bits too many`, lastDigit);
}

function wrongCharacter(text: string, position: number, form: string): EncodingError {
  const character = JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0));
  return new EncodingError(
    `the character ${character} at ${position} cannot stand there in ${form} text`,
    position,
  );
}

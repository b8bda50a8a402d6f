/**
 * What a byte is to a terminal. `text`: it acts or is shown on its own. `control`: it acts at once, though it stands within a
 * sequence. `open`: it belongs to a sequence that is not whole. `sequence`: with it a sequence is whole. `broken`: with it one is
 * broken off. `next`: one ended before it, and it begins another.
 */
export type Part = "text" | "control" | "open" | "sequence" | "broken" | "next";

type State = "text" | "latin" | "escape" | "csi" | "command" | "string";

const escapeCode = 0x1b;
const bell = 0x07;
/** Asks a terminal for a text that its user has set. */
export const enquiry = 0x05;
const cancel = 0x18;
const substitute = 0x1a;
/** First byte of the UTF-8 of a character of C1. */
const latinLead = 0xc2;
const stringEnd = 0x9c;
/** Asks who the terminal is, as `ESC Z` does. */
const identify = 0x9a;

/** The characters of C1 that begin something; as `ESC` and a byte less by 0x40, too. Only a command (OSC) ends with a bell. */
const introducers: Readonly<Record<number, State>> = {
  144: "string",
  152: "string",
  155: "csi",
  157: "command",
  158: "string",
  159: "string",
};

/** It is shown, or moves the cursor, and is neither a question nor the begin of anything. */
function isPlain(byte: number): boolean {
  return byte < 0x80 && byte !== escapeCode && byte !== enquiry;
}

/** Reads what is written to a terminal byte by byte, as terminals do it (ECMA-48, in UTF-8 and in eight bits). */
export class SequenceReader {
  #state: State = "text";
  /** Bytes that are missing of a character. */
  #missingBytes = 0;
  /** The character that has begun is one of U+0080 to U+00BF. */
  #isLatin = false;

  /** How many bytes from there on are plain text, which need not be read one by one. */
  plainBytes(bytes: Uint8Array, from: number): number {
    if (this.#state !== "text" || this.#missingBytes > 0) return 0;
    let at = from;
    for (let byte = bytes[at]; byte !== undefined && isPlain(byte); byte = bytes[at]) at += 1;
    return at - from;
  }

  read(byte: number): Part {
    if (byte === cancel || byte === substitute) return this.#ends(this.#state === "text" ? "text" : "broken");
    const control = this.#latinControl(byte);
    if (control !== null) return this.#control(control);
    switch (this.#state) {
      case "text":
        return this.#text(byte);
      case "latin":
        return this.#afterLatin(byte);
      case "escape":
        return this.#escape(byte);
      case "csi":
        return this.#csi(byte);
      case "command":
      case "string":
        return this.#string(byte);
    }
  }

  /** The character of C1 that is whole with this byte; null when there is none. */
  #latinControl(byte: number): number | null {
    if (byte < 0x80 || byte >= 0xc0) {
      this.#isLatin = byte === latinLead;
      this.#missingBytes = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= latinLead ? 1 : 0;
      return null;
    }
    // On its own it is one to terminals that know eight bits.
    const isWhole = this.#missingBytes === 0 || this.#isLatin;
    this.#missingBytes = Math.max(0, this.#missingBytes - 1);
    this.#isLatin = false;
    return isWhole && byte < 0xa0 ? byte : null;
  }

  #control(character: number): Part {
    const wasText = this.#state === "text" || this.#state === "latin";
    const opens = introducers[character];
    if (opens !== undefined) {
      this.#state = opens;
      return wasText ? "open" : "next";
    }
    if (character === identify) return this.#ends(wasText ? "sequence" : "broken");
    if (this.#state === "text") return "text";
    return this.#ends(character === stringEnd && !wasText ? "sequence" : "broken");
  }

  #text(byte: number): Part {
    if (byte === escapeCode) return this.#goesOn("escape");
    return byte === latinLead ? this.#goesOn("latin") : "text";
  }

  #afterLatin(byte: number): Part {
    this.#state = "text";
    const part = this.#text(byte);
    return part === "text" ? "broken" : "next";
  }

  #escape(byte: number): Part {
    if (byte === escapeCode) return "next";
    if (byte < 0x20) return "control";
    if (byte < 0x30) return "open";
    const opens = introducers[byte + 0x40];
    return opens === undefined ? this.#ends("sequence") : this.#goesOn(opens);
  }

  /** An escape ends it, and begins another sequence: a backslash behind it makes one that says so. */
  #string(byte: number): Part {
    if (byte === bell && this.#state === "command") return this.#ends("sequence");
    return byte === escapeCode ? this.#begins("escape") : "open";
  }

  #csi(byte: number): Part {
    if (byte === escapeCode) return this.#begins("escape");
    if (byte < 0x20) return "control";
    return byte >= 0x40 && byte < 0x7f ? this.#ends("sequence") : "open";
  }

  #goesOn(state: State): Part {
    this.#state = state;
    return "open";
  }

  #begins(state: State): Part {
    this.#state = state;
    return "next";
  }

  #ends(part: Part): Part {
    this.#state = "text";
    return part;
  }
}

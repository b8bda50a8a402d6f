import { joined } from "./bytes.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text to be decoded when it is asked for. */
export type LazyText = () => string;

/** Divides the bytes of one stream, which are split anywhere, into texts of whole characters. */
export class Characters {
  /** Of a character that is not finished: 3 bytes at most. */
  #pending: Uint8Array = new Uint8Array();
  /** Text before the pending bytes that no event has told yet. */
  #before = "";

  /** The text that becomes whole with these bytes; `known`: it is all of theirs. */
  take(bytes: Uint8Array, known: string | null): LazyText {
    const before = this.#before;
    const pending = this.#pending;
    this.#before = "";
    if (known !== null && pending.byteLength === 0) return () => before + known;
    const all = pending.byteLength === 0 ? bytes : joined([pending, bytes]);
    const whole = all.byteLength - unfinishedBytes(all);
    // A copy, so that three bytes do not keep a large piece in memory.
    this.#pending = all.slice(whole);
    return () => before + decoder.decode(all.subarray(0, whole));
  }

  /** What comes next does not belong to what has come. */
  interrupt(): void {
    this.#before = this.rest();
  }

  /** The text of what was never finished. */
  rest(): string {
    const rest = this.#before + decoder.decode(this.#pending);
    this.#pending = new Uint8Array();
    this.#before = "";
    return rest;
  }
}

/**
 * How many of the last bytes may be the begin of a character. In front of a first byte a decoder is always at the begin of a
 * character, so that dividing there changes nothing, whatever the bytes are.
 */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back += 1) {
    const byte = bytes[bytes.byteLength - back] ?? 0;
    if (isContinuation(byte)) continue;
    return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Of the character that begins with this byte. */
function lengthOf(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

import { isLongQuery, isString, shownLate } from "./terminalQueryKinds.ts";
import { enquiry, SequenceReader } from "./terminalSequences.ts";

/** Of one sequence; what is longer is judged by its beginning. */
const mostHeldBytes = 4_096;
const breakOff = 0x18;
const identify = 0x9a;
const backslash = 0x5c;
const endOfString = [0x1b, backslash];

/**
 * Takes out of what is written to a terminal whatever would make the terminal answer, or change the clipboard: old output that is
 * shown again must not type into a job. Bytes may be cut anywhere; all else comes out as it was.
 */
export class TerminalQueryFilter {
  readonly #reader = new SequenceReader();
  /** The sequence that has begun; of these the first ones were shown before. */
  #held: number[] = [];
  #shown = 0;
  /** What happens to the rest of a sequence that is too long to be held; null while it is not. */
  #rest: "pass" | "drop" | null = null;
  /** A string was taken out, the end of which may follow as a sequence of its own. */
  #hasDropped = false;
  /** A string was shown, and the sequence that ends it is held. */
  #isStringOpen = false;
  #out = new Uint8Array();
  #outBytes = 0;

  /** Old output: gives what may be shown of it. */
  drop(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#begin(bytes.byteLength);
    this.#each(bytes, (byte) => this.#step(byte));
    return this.#given();
  }

  /** Output as it is written now: gives all of it, and before it what was held. */
  pass(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#begin(bytes.byteLength);
    this.#show();
    this.#each(bytes, (byte) => {
      this.#put(byte);
      this.#watch(byte);
    });
    return this.#given();
  }

  /** Takes plain text at once, and everything else byte by byte. */
  #each(bytes: Uint8Array, take: (byte: number) => void): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const plain = this.#reader.plainBytes(bytes, at);
      if (plain > 0) {
        this.#out.set(bytes.subarray(at, at + plain), this.#outBytes);
        this.#outBytes += plain;
        this.#hasDropped = false;
        at += plain;
      } else {
        take(bytes[at] ?? 0);
        at += 1;
      }
    }
  }

  /** Only follows what is said, so that `drop` may begin within a sequence. */
  #watch(byte: number): void {
    const part = this.#reader.read(byte);
    if (part === "open") {
      if (this.#held.length < mostHeldBytes) this.#held.push(byte);
      else this.#rest = "pass";
    } else if (part === "next") this.#forget([byte]);
    else if (part !== "control" && this.#held.length > 0) this.#forget([]);
    this.#shown = this.#held.length;
  }

  #step(byte: number): void {
    const part = this.#reader.read(byte);
    switch (part) {
      case "text":
      case "control":
        if (part === "text") this.#hasDropped = false;
        if (byte !== enquiry) this.#put(byte);
        break;
      case "open":
        this.#hold(byte);
        break;
      case "sequence":
        this.#hold(byte);
        this.#judge([]);
        break;
      case "broken":
        // What breaks it off may ask something itself.
        this.#hold(byte === identify ? breakOff : byte);
        if (this.#rest === null) this.#show();
        this.#forget([]);
        break;
      case "next":
        this.#judge([byte]);
        break;
    }
  }

  #hold(byte: number): void {
    if (this.#rest === "pass") this.#put(byte);
    if (this.#rest !== null) return;
    this.#held.push(byte);
    if (this.#held.length < mostHeldBytes) return;
    this.#rest = isLongQuery(this.#held) ? "drop" : "pass";
    if (this.#rest === "drop") this.#breakOff();
    else this.#show();
  }

  /** A sequence is over, and this begins the next one. */
  #judge(next: readonly number[]): void {
    if (this.#rest !== null) {
      this.#hasDropped = this.#rest === "drop";
      this.#forget(next);
      return;
    }
    const isEndOfDropped = this.#hasDropped && this.#held.length === 2 && this.#held[1] === backslash;
    this.#hasDropped = false;
    const isWhole = next.length === 0;
    const late = isEndOfDropped ? [] : isWhole || isString(this.#held) ? shownLate(this.#held) : "nothing";
    if (late === "all") this.#show();
    else {
      if (this.#isStringOpen) for (const byte of endOfString) this.#put(byte);
      this.#breakOff();
      if (late === "nothing") this.#hasDropped = isWhole || isString(this.#held);
      else for (const byte of late) this.#put(byte);
    }
    // Terminals carry out a string that another sequence ends.
    this.#isStringOpen = late === "all" && !isWhole;
    this.#forget(next);
  }

  /** The terminal has seen the beginning of what is taken out. */
  #breakOff(): void {
    if (this.#shown > 0) this.#put(breakOff);
  }

  #show(): void {
    for (const byte of this.#held.slice(this.#shown)) this.#put(byte);
    this.#shown = this.#held.length;
  }

  #forget(next: readonly number[]): void {
    this.#held = [...next];
    this.#shown = 0;
    this.#rest = null;
  }

  #begin(bytes: number): void {
    this.#out = new Uint8Array(bytes + this.#held.length + endOfString.length + 1);
    this.#outBytes = 0;
  }

  #put(byte: number): void {
    this.#out[this.#outBytes] = byte;
    this.#outBytes += 1;
  }

  #given(): Uint8Array<ArrayBuffer> {
    return this.#out.subarray(0, this.#outBytes);
  }
}

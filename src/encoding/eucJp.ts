import type { CodePage } from "./codePages.ts";
import { lackingError } from "./lacking.ts";
import { runtimeStream } from "./runtimeStream.ts";

/** Says that two more bytes follow instead of one. */
const threeByteLead = 0x8f;
const mostBytes = 3;

/**
 * EUC-JP. A character with several codes is written by the first one of two bytes, as Windows does; iconv-lite writes
 * many by three bytes, which programs with JIS X 0208 alone cannot read.
 */
export function eucJpPage(number: number): CodePage {
  return { number, decoder: () => runtimeStream("euc-jp"), encode: (text) => encode(text, number) };
}

let knownCodes: Uint32Array | undefined;

function encode(text: string, number: number): Uint8Array {
  knownCodes ??= readCodes();
  const bytes = new Uint8Array(text.length * mostBytes);
  let length = 0;
  for (let position = 0; position < text.length; position++) {
    const unit = text.charCodeAt(position);
    const code = unit < 0x80 ? unit : (knownCodes[unit] ?? 0);
    if (code === 0 && unit !== 0) throw lackingError(text, position, number);
    if (code > 0xffff) bytes[length++] = code >> 16;
    if (code > 0xff) bytes[length++] = (code >> 8) & 0xff;
    bytes[length++] = code & 0xff;
  }
  return bytes.slice(0, length);
}

/** UTF-16 unit → code, by reading all codes with the decoder; 0 where there is none. */
function readCodes(): Uint32Array {
  const codes = new Uint32Array(0x10000);
  const decoder = new TextDecoder("euc-jp");
  for (const lead of [0, threeByteLead]) {
    for (let first = 0x80; first < 0x100; first++) {
      const seconds = Array.from({ length: 0x80 }, (_, index) => 0x80 + index);
      // A line feed is never part of a code, so a broken one ends there.
      const lines = seconds.flatMap((second) => [...(lead === 0 ? [] : [lead]), first, second, 0x0a]);
      const texts = decoder.decode(Uint8Array.from(lines)).split("\n");
      for (const [index, second] of seconds.entries()) {
        const text = texts[index] ?? "";
        const unit = text.length === 1 && text !== "\uFFFD" ? text.charCodeAt(0) : 0;
        if (unit >= 0x80 && codes[unit] === 0) codes[unit] = (lead << 16) | (first << 8) | second;
      }
    }
  }
  return codes;
}

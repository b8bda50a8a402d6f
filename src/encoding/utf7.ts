import iconv from "iconv-lite";
import type { TextStream } from "./codePages.ts";
import { runtimeStream } from "./runtimeStream.ts";

const replacement = 0xfffd;
const plus = 0x2b;
const minus = 0x2d;
const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const bitsPerDigit = 6;
const bitsPerUnit = 16;

/** UTF-7 as RFC 2152 has it. Only its encoder is that of iconv-lite, whose decoder loses text at cuts and U+FEFF. */
export function encodeUtf7(text: string): Uint8Array {
  return iconv.encode(text, "utf-7");
}

/** Decodes UTF-7; bytes over 7F and what is broken within base64 become U+FFFD. */
export function utf7Stream(): TextStream {
  // Pairs of surrogates may come in two parts; the decoder of UTF-16 sees to them.
  const characters = runtimeStream("utf-16le");
  /** Digits since the plus sign, −1 outside of base64. */
  let digits = -1;
  let bits = 0;
  let bitCount = 0;

  /** Units for one byte, at most two. */
  const read = (byte: number): number[] => {
    if (digits < 0) return direct(byte);
    const value = byte < 0x80 ? base64Digits.indexOf(String.fromCharCode(byte)) : -1;
    if (value >= 0) return digit(value);
    const isPlusSign = digits === 0 && byte === minus;
    const ending = isPlusSign ? [plus] : leave();
    digits = -1;
    return byte === minus ? ending : [...ending, ...direct(byte)];
  };
  const direct = (byte: number): number[] => {
    if (byte !== plus) return [byte < 0x80 ? byte : replacement];
    digits = 0;
    return [];
  };
  const digit = (value: number): number[] => {
    digits++;
    bits = (bits << bitsPerDigit) | value;
    bitCount += bitsPerDigit;
    if (bitCount < bitsPerUnit) return [];
    bitCount -= bitsPerUnit;
    const unit = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
    return [unit];
  };
  /** Base64 must end with a whole unit, filled up with zero bits. */
  const leave = (): number[] => {
    const isWhole = digits > 0 && bitCount < bitsPerDigit && bits === 0;
    bits = 0;
    bitCount = 0;
    return isWhole ? [] : [replacement];
  };
  const textOf = (units: readonly number[]) =>
    characters.write(new Uint8Array(Uint16Array.from(units).buffer));

  return {
    write(bytes) {
      const units: number[] = [];
      for (const byte of bytes) units.push(...read(byte));
      return textOf(units);
    },
    end() {
      const ending = digits < 0 ? [] : leave();
      digits = -1;
      return textOf(ending) + characters.end();
    },
  };
}

import iconv from "iconv-lite";
import type { CodePage, TextStream } from "./codePages.ts";
import { type CodeRange, decodeOnlyCodes, pagesWithControls } from "./codePageTable.ts";
import { lackingError } from "./lacking.ts";

/** What stands for bytes that are no character. No table has it as a character. */
const replacement = 0xfffd;
/** In `leads`: the byte is a character by itself or none. */
const alone = -1;

/** The characters of a code page of one or two bytes. */
interface Table {
  /** Byte → its character when it stands alone. */
  readonly single: Uint16Array;
  /** Lead byte → number of its row in `double`, or `alone`. */
  readonly leads: Int16Array;
  /** 256 characters for each row. */
  readonly double: Uint16Array;
  /** UTF-16 unit → code; 0 where there is none, but for U+0000. */
  readonly codes: Uint16Array;
}

/**
 * A code page by a table of iconv-lite. Only the table is its: its streams lose characters after a broken pair at a
 * cut, and its encoders write some characters that a code page lacks as similar ones (¥ as a backslash).
 */
export function tablePage(number: number, name: string): CodePage {
  let table: Table | undefined;
  const ready = () => {
    table ??= readTable(number, name);
    return table;
  };
  return { number, decoder: () => tableStream(ready()), encode: (text) => encode(text, ready(), number) };
}

function tableStream({ single, leads, double }: Table): TextStream {
  let lead = alone;
  return {
    write(bytes) {
      const units = new Uint16Array(bytes.length + 1);
      let length = 0;
      for (const byte of bytes) {
        if (lead !== alone) {
          const unit = double[(lead << 8) | byte] ?? replacement;
          units[length++] = unit;
          lead = alone;
          if (unit !== replacement) continue;
          // The second byte is not of a pair, so it is read again by itself: a line feed must not vanish.
        }
        lead = leads[byte] ?? alone;
        if (lead === alone) units[length++] = single[byte] ?? replacement;
      }
      return textOf(units.subarray(0, length));
    },
    end() {
      const isCut = lead !== alone;
      lead = alone;
      return isCut ? String.fromCharCode(replacement) : "";
    },
  };
}

function encode(text: string, { codes }: Table, number: number): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  let length = 0;
  for (let position = 0; position < text.length; position++) {
    const unit = text.charCodeAt(position);
    const code = codes[unit] ?? 0;
    if (code === 0 && unit !== 0) throw lackingError(text, position, number);
    if (code > 0xff) bytes[length++] = code >> 8;
    bytes[length++] = code & 0xff;
  }
  return bytes.slice(0, length);
}

function readTable(number: number, name: string): Table {
  const single = new Uint16Array(256);
  const leads = new Int16Array(256).fill(alone);
  const rows: Uint16Array[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const unit = iconv.decode(Uint8Array.of(byte), name).charCodeAt(0);
    const isControl = byte >= 0x80 && byte < 0xa0 && pagesWithControls.has(number);
    single[byte] = unit === replacement && isControl ? byte : unit;
    const row = unit === replacement ? readRow(byte, name) : [];
    if (row.some((second) => second !== replacement)) leads[byte] = rows.push(Uint16Array.from(row)) - 1;
  }
  const double = new Uint16Array(rows.length * 256);
  for (const [index, row] of rows.entries()) double.set(row, index * 256);
  const table = { single, leads, double };
  return { ...table, codes: codesOf(table, decodeOnlyCodes.get(number) ?? []) };
}

/** The characters of all pairs that begin with a byte, read in one go: a decoder for each takes 10 times as long. */
function readRow(lead: number, name: string): number[] {
  const pairs = new Uint8Array(256 * 4);
  // Two zero bytes behind each pair keep a second byte that is none from taking up the next pair.
  for (let byte = 0; byte < 256; byte++) pairs.set([lead, byte], byte * 4);
  const text = iconv.decode(pairs, name);
  let position = 0;
  return Array.from({ length: 256 }, () => {
    const unit = text.charCodeAt(position);
    // A broken pair becomes two characters instead of one.
    position += unit === replacement ? 4 : 3;
    return unit;
  });
}

/** The other way round. Of several codes for a character the first counts that is not for decoding only. */
function codesOf(
  { single, leads, double }: Omit<Table, "codes">,
  decodeOnly: readonly CodeRange[],
): Uint16Array {
  const codes = new Uint16Array(0x10000);
  const add = (unit: number | undefined, code: number) => {
    if (unit === undefined || unit === replacement || codes[unit] !== 0) return;
    if (!decodeOnly.some(([first, last]) => first <= code && code <= last)) codes[unit] = code;
  };
  for (const [byte, unit] of single.entries()) add(unit, byte);
  for (const [lead, row] of leads.entries()) {
    if (row === alone) continue;
    for (let byte = 0; byte < 256; byte++) add(double[(row << 8) | byte], (lead << 8) | byte);
  }
  return codes;
}

/** Every platform of the runtime has the low byte first. */
function textOf(units: Uint16Array): string {
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(units);
}

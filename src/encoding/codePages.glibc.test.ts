import { dlopen, FFIType, ptr } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { codePage, knownCodePages } from "./codePages.ts";

// The program `iconv` is these functions of the C library with a command line around them.

const failed = 0xffff_ffff_ffff_ffffn;
const library = openLibrary();
const replacement = "\uFFFD";

/** Names in glibc where they are not `CP` and the number. Macintosh pages are others there than in Windows. */
const names = new Map<number, string>([
  [367, "ASCII"],
  [708, "ASMO-708"],
  [878, "KOI8-R"],
  [1051, "HP-ROMAN8"],
  [1168, "KOI8-U"],
  [10017, "MAC-UK"],
  [20127, "ASCII"],
  [20866, "KOI8-R"],
  [21866, "KOI8-U"],
  [38598, "ISO-8859-8"],
  ...Array.from({ length: 16 }, (_, index): [number, string] => [28591 + index, `ISO-8859-${index + 1}`]),
]);

/** Bytes for which glibc has another table: of IBM's pages, which Windows has not, and one of Macintosh's. */
const otherTables = new Map<number, readonly number[]>([
  [856, [0x1a, 0x1c, 0x7f, 0xee, 0xfa]],
  [922, [0xaf]],
  [1046, [0x83, 0x84, 0x85, 0x86, 0xa1, 0xa2, 0xa3, 0xa5, 0xd8, 0xf6]],
  [1133, [0xdf, 0xff]],
  [1161, [0x1a, 0x1c, 0x7f]],
  [10007, [0xb6]],
]);

const doubleByte = new Map([
  [932, "CP932"],
  [936, "CP936"],
  [949, "CP949"],
  [950, "CP950"],
]);

describe.skipIf(library === null)("as glibc has it", () => {
  const singleByte = knownCodePages.filter((number) => !doubleByte.has(number) && hasGlibc(nameOf(number)));

  test("most single-byte pages are in glibc", () => {
    expect(singleByte.length).toBeGreaterThanOrEqual(58);
    for (const number of [437, 850, 852, 855, 862, 866, 874, 1250, 1252, 1258, 20866, 28592, 28605])
      expect(singleByte).toContain(number);
  });

  test.each(singleByte)("%d: all bytes that glibc reads, both ways", (number) => {
    const read = glibc(nameOf(number), "UTF-8");
    const write = glibc("UTF-8", nameOf(number));
    const page = codePage(number);
    const different: number[] = [];
    for (let byte = 0; byte < 256; byte++) {
      const theirs = read(Uint8Array.of(byte));
      if (theirs === null) continue;
      const text = utf8(theirs);
      if (decoded(number, Uint8Array.of(byte)) !== text) different.push(byte);
      else expect(page?.encode(text)).toEqual(write(theirs) ?? new Uint8Array());
    }
    expect(different).toEqual([...(otherTables.get(number) ?? [])]);
  });

  test.each([...doubleByte])("%d: all pairs of bytes", (number, name) => {
    const read = glibc(name, "UTF-8");
    let compared = 0;
    for (let code = 0x8000; code < 0x10000; code++) {
      const pair = Uint8Array.of(code >> 8, code & 0xff);
      const ours = decoded(number, pair);
      if (ours.length !== 1 || ours === replacement) continue;
      expect(ours).toBe(utf8(read(pair) ?? new Uint8Array()));
      compared++;
    }
    expect(compared).toBeGreaterThan(9_000);
  });

  test.each([...doubleByte, [54936, "GB18030"] as const])(
    "%d: all characters are written alike",
    (number, name) => {
      const write = glibc("UTF-8", name);
      const different: string[] = [];
      for (let unit = 0x80; unit < 0x10000; unit++) {
        const text = String.fromCharCode(unit);
        const ours = text.isWellFormed() ? encodedOrNull(number, text) : null;
        if (ours === null) continue;
        const theirs = write(new TextEncoder().encode(text));
        if (theirs !== null && Buffer.compare(ours, theirs) !== 0) different.push(text);
      }
      // Four lines that Windows writes by the other code of two; glibc reads both.
      expect(different.join("")).toBe(number === 950 ? "═╞╡╪" : "");
    },
  );
});

function nameOf(number: number): string {
  return names.get(number) ?? `CP${number}`;
}

function decoded(number: number, bytes: Uint8Array): string {
  const stream = codePage(number)?.decoder();
  return stream === undefined ? "" : stream.write(bytes) + stream.end();
}

function encodedOrNull(number: number, text: string): Uint8Array | null {
  try {
    return codePage(number)?.encode(text) ?? null;
  } catch {
    return null;
  }
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function openLibrary() {
  try {
    const { i32, ptr, u64 } = FFIType;
    return dlopen("libc.so.6", {
      iconv_open: { args: [ptr, ptr], returns: u64 },
      iconv: { args: [u64, u64, u64, u64, u64], returns: u64 },
      iconv_close: { args: [u64], returns: i32 },
    }).symbols;
  } catch {
    return null;
  }
}

function hasGlibc(name: string): boolean {
  if (library === null) return false;
  const converter = library.iconv_open(cString("UTF-8"), cString(name));
  if (converter === failed) return false;
  library.iconv_close(converter);
  return true;
}

/** A conversion; null stands for what glibc refuses. Converters are few and stay open until the tests end. */
function glibc(from: string, to: string): (bytes: Uint8Array) => Uint8Array | null {
  if (library === null) throw new Error("there is no glibc here");
  const { iconv, iconv_open } = library;
  const converter = iconv_open(cString(to), cString(from));
  if (converter === failed) throw new Error(`glibc has no ${from} or ${to}`);
  // Buffers of their own are never moved, so that pointers to them stay right.
  const input = new Uint8Array(new ArrayBuffer(1_024));
  const output = new Uint8Array(new ArrayBuffer(1_024));
  const places = new BigUint64Array(new ArrayBuffer(32));
  return (bytes) => {
    const [inputAt, outputAt, placesAt] = [input, output, places].map((buffer) => BigInt(ptr(buffer)));
    input.set(bytes);
    places.set([inputAt ?? 0n, BigInt(bytes.length), outputAt ?? 0n, BigInt(output.length)]);
    const place = (index: number) => (placesAt ?? 0n) + BigInt(index * 8);
    iconv(converter, 0n, 0n, 0n, 0n);
    const result = iconv(converter, place(0), place(1), place(2), place(3));
    const flushed = iconv(converter, 0n, 0n, place(2), place(3));
    if (result === failed || flushed === failed || places[1] !== 0n) return null;
    return output.slice(0, output.length - Number(places[3]));
  };
}

function cString(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const own = new Uint8Array(new ArrayBuffer(bytes.length));
  own.set(bytes);
  return own;
}

import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { count, patience, report } from "../../test/support/scale.ts";
import { type CodePage, codePage, knownCodePages, utf16 } from "./codePages.ts";
import { decodeOnlyCodes, tableNames } from "./codePageTable.ts";
import { EncodingError } from "./errors.ts";

const multiByte = [932, 936, 949, 950, 51932, 54936, 65000, 65001, 1200, 1201, 12000, 12001];

describe("the table of code pages", () => {
  test("knows the numbers of Windows, ascending", () => {
    const due = [
      437, 850, 852, 855, 862, 866, 874, 932, 936, 949, 950, 1250, 1251, 1252, 1253, 1254, 1255, 1256,
    ];
    due.push(1257, 1258, 1200, 1201, 20127, 20866, 21866, 28591, 28606, 51932, 54936, 65000, 65001);
    for (const number of due) expect(codePage(number)?.number).toBe(number);
    expect(knownCodePages).toEqual([...new Set(knownCodePages)].sort((one, other) => one - other));
    expect(knownCodePages).toHaveLength(tableNames.size + 9);
  });

  test("does not know others", () => {
    for (const number of [0, 1, 42, 850.5, -850, 65002, Number.NaN]) expect(codePage(number)).toBeNull();
  });
});

describe("decoding", () => {
  let texts = 0;
  test.each([
    [852, "c8 85 9f", "╚ůč"],
    [1250, "f8 9e e8", "řžč"],
    [866, "8f e0 a8", "При"],
    [932, "93 fa 96 7b 5c b1", "日本\\ｱ"],
    [936, "c4 e3 80", "你€"],
    [949, "c7 d1 81 41", "한갂"],
    [950, "a7 41 f9 d6", "你碁"],
    [51932, "c6 fc 8e b1 8f b0 a1 a1 c1 ad e2 f9 a1", "日ｱ丂～№纊"],
    [54936, "c4 e3 95 32 82 36", "你𠀀"],
    [65001, "f0 9f 98 80 ef bb bf", "😀\uFEFF"],
    [65000, "41 2b 41 4f 6b 2d 42", "AéB"],
    [1200, "ff fe 3d d8 00 de", "\uFEFF😀"],
    [1201, "d8 3d de 00 00 41", "😀A"],
    [20127, "41 7f", "A\x7F"],
    [1252, "81 80", "\x81€"],
  ])("%d: %s", (number, bytes, text) => {
    expect(decodeCut(page(number), fromHex(bytes), [])).toBe(text);
    expect(page(number).encode(text)).toEqual(fromHex(bytes));
  });

  test.each([
    [932, "81 0a 41", "\uFFFD\nA"],
    [932, "81", "\uFFFD"],
    [20127, "41 80 ff", "A\uFFFD\uFFFD"],
    [936, "81 20 20", "\uFFFD  "],
    [950, "a1 a1 41 a1", "﹛A\uFFFD"],
    [51932, "8f b0 41", "\uFFFDA"],
    [54936, "81 30 81 41", "\uFFFD0丄"],
    [65001, "c3 41 e2 82", "\uFFFDA\uFFFD"],
    [65000, "2b 41 4f 6b 41 2e 2b 2a 80", "é\uFFFD.\uFFFD*\uFFFD"],
    [65000, "2b", "\uFFFD"],
    [65000, "2b 41 4f 6b 2d 2b 2d", "é+"],
    [12000, "41 00 00 00 00 00 11 00 42", "A\uFFFD\uFFFD"],
    [1200, "41 00 00 d8 42 00 43", "A\uFFFDB\uFFFD"],
  ])("%d: bytes that are no character, %s", (number, bytes, text) => {
    expect(decodeCut(page(number), fromHex(bytes), [])).toBe(text);
  });

  // The streams of iconv-lite fail this: they lose what comes after a broken pair, and half of four-byte characters.
  test.each([...knownCodePages])(
    "%d: any bytes cut anywhere give the same text",
    (number) => {
      const bytes = fc.oneof(fc.uint8Array({ maxLength: 24 }), pieces(number));
      const runs = multiByte.includes(number) ? count(300, 3_000) : count(10, 1_000);
      texts += runs;
      fc.assert(
        fc.property(bytes, (all) => {
          const whole = decodeCut(page(number), all, []);
          for (let cut = 0; cut <= all.length; cut++) expect(decodeCut(page(number), all, [cut])).toBe(whole);
          const everywhere = Array.from(all, (_, index) => index);
          expect(decodeCut(page(number), all, everywhere)).toBe(whole);
        }),
        { numRuns: runs },
      );
    },
    patience(20_000),
  );

  afterAll(() =>
    report("R22", `${texts} texts in ${knownCodePages.length} code pages, cut at every place: none changed`),
  );

  test("a stream can be used again after its end", () => {
    for (const number of multiByte) {
      const stream = page(number).decoder();
      const bytes = page(number).encode("ab");
      for (let round = 0; round < 2; round++) expect(stream.write(bytes) + stream.end()).toBe("ab");
    }
  });
});

describe("encoding", () => {
  test.each([...knownCodePages])("%d: reads back what it writes", (number) => {
    fc.assert(
      fc.property(fc.array(character(number), { maxLength: 20 }), (characters) => {
        const text = characters.join("");
        expect(decodeCut(page(number), page(number).encode(text), [])).toBe(text);
      }),
      { numRuns: multiByte.includes(number) ? 200 : 20 },
    );
  });

  test.each([
    [437, "abč", 2, 'code page 437 has no character "č" (U+010D), which stands at 2'],
    [932, "¥100", 0, 'code page 932 has no character "¥" (U+00A5), which stands at 0'],
    [51932, "a¥", 1, 'code page 51932 has no character "¥" (U+00A5), which stands at 1'],
    [1252, "a😀", 1, 'code page 1252 has no character "😀" (U+1F600), which stands at 1'],
    [950, "a😀", 1, 'code page 950 has no character "😀" (U+1F600), which stands at 1'],
    [874, "a\uFFFD", 1, 'code page 874 has no character "\uFFFD" (U+FFFD), which stands at 1'],
    [1252, "\u200B", 0, "code page 1252 has no character U+200B, which stands at 0"],
    [65001, "a\uD83D", 1, "code page 65001 has no character U+D83D, which stands at 1"],
    [1200, "\uDE00b", 0, "code page 1200 has no character U+DE00, which stands at 0"],
    [54936, "a\uE78D", 1, "code page 54936 has no character U+E78D, which stands at 1"],
  ])("%d: %j is an error", (number, text, position, message) => {
    expect(() => page(number).encode(text)).toThrow(new EncodingError(message, position));
  });

  test("GB18030 holds every character but 25 for private use", () => {
    const lacking: string[] = [];
    for (let point = 0; point <= 0x10ffff; point += point < 0xffff ? 1 : 997) {
      const text = String.fromCodePoint(point);
      if (text.isWellFormed() && !holds(54936, text)) lacking.push(text);
    }
    expect(lacking.every((text) => text >= "\uE000" && text <= "\uF8FF")).toBe(true);
    expect(lacking.length).toBeLessThanOrEqual(25);
  });

  test("round-trip variants are those of the table", () => {
    for (const number of tableNames.keys())
      expect([number, variants(number)]).toEqual([number, listed(number)]);
  });
});

describe("utf16()", () => {
  test.each([
    ["ff fe 41 00", "A"],
    ["fe ff 00 41", "A"],
    ["41 00 ff fe", "A\uFEFF"],
    ["41 00", "A"],
    ["ff fe", ""],
    ["fe ff", ""],
    ["", ""],
    ["41", "\uFFFD"],
    ["ff fe ff fe", "\uFEFF"],
    ["fe ff d8 3d de 00", "😀"],
  ])("%s", (bytes, text) => {
    const all = fromHex(bytes);
    for (let cut = 0; cut <= all.length; cut++) expect(decodeCut(utf16(), all, [cut])).toBe(text);
  });

  test("writes little-endian without a mark, and one that is asked for", () => {
    expect(utf16().encode("A")).toEqual(fromHex("41 00"));
    expect(utf16().encode("\uFEFFA")).toEqual(fromHex("ff fe 41 00"));
  });
});

test.each([850, 932, 54936, 65001, 1200, 65000])("%d: 2 MiB take linear time", (number) => {
  const text = "line of text\n".repeat(160_000);
  const started = performance.now();
  const bytes = page(number).encode(text);
  const stream = page(number).decoder();
  expect(stream.write(bytes) + stream.end() === text).toBe(true);
  expect(performance.now() - started).toBeLessThan(5_000);
});

function page(number: number): CodePage {
  const found = codePage(number);
  if (found === null) throw new Error(`no code page ${number}`);
  return found;
}

function decodeCut(codePage: CodePage, bytes: Uint8Array, cuts: readonly number[]): string {
  const stream = codePage.decoder();
  let text = "";
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    text += stream.write(bytes.slice(start, cut));
    start = cut;
  }
  return text + stream.end();
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

/** Bytes of real characters in between bytes of any kind. */
function pieces(number: number): fc.Arbitrary<Uint8Array> {
  const encoded = character(number).map((text) => [...page(number).encode(text)]);
  const any = fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => [...bytes]);
  return fc
    .array(fc.oneof({ arbitrary: encoded, weight: 3 }, { arbitrary: any, weight: 1 }), { maxLength: 8 })
    .map((parts) => Uint8Array.from(parts.flat()));
}

function holds(number: number, text: string): boolean {
  try {
    page(number).encode(text);
    return true;
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}

const charactersOf = new Map<number, readonly string[]>();

/** A character that the code page has. */
function character(number: number): fc.Arbitrary<string> {
  const known = charactersOf.get(number) ?? allCharacters(number);
  charactersOf.set(number, known);
  return fc.constantFrom(...known);
}

function allCharacters(number: number): string[] {
  const stream = page(number).decoder();
  if (tableNames.has(number)) {
    const text = stream.write(Uint8Array.from(codes(number).flatMap((code) => [...bytesOf(code), 0, 0])));
    return [...new Set(text.replaceAll("\uFFFD", ""))];
  }
  const points = [0x1f600, 0x20000, 0x10ffff];
  for (let point = 0; point < 0x10000; point += 17) points.push(point);
  return points.map((point) => String.fromCodePoint(point)).filter((text) => holds(number, text));
}

/** All codes there may be: bytes, and pairs where there are any. */
function codes(number: number): number[] {
  const hasPairs = /^cp9\d\d$/.test(tableNames.get(number) ?? "");
  return Array.from({ length: hasPairs ? 0x10000 : 0x100 }, (_, code) => code);
}

function bytesOf(code: number): Uint8Array {
  return code < 0x100 ? Uint8Array.of(code) : Uint8Array.of(code >> 8, code & 0xff);
}

/** Codes that come back as others. */
function variants(number: number): number[] {
  return codes(number).filter((code) => {
    const text = decodeCut(page(number), bytesOf(code), []);
    if (text.length !== 1 || text === "\uFFFD") return false;
    return Buffer.compare(page(number).encode(text), bytesOf(code)) !== 0;
  });
}

function listed(number: number): number[] {
  const ranges = decodeOnlyCodes.get(number) ?? [];
  return ranges.flatMap(([first, last]) => {
    const codes = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    // Within a range of pairs stand bytes that are none.
    return codes.filter((code) => code < 0x100 || isPair(number, code));
  });
}

function isPair(number: number, code: number): boolean {
  const text = decodeCut(page(number), bytesOf(code), []);
  return text.length === 1 && text !== "\uFFFD";
}

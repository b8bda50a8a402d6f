import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SaxesParser } from "saxes";
import { EncodingError } from "./errors.ts";
import {
  cdata,
  cdataEncoder,
  escapeAttribute,
  escapeText,
  findUnholdable,
  xmlTextEncoder,
} from "./xmlText.ts";

/** Text with much of what matters to XML. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ..."]>&<\"'\r\n\t\0\x0B\x1F\x7F\x85\u2028\uD800\uDFFF\uFFFE\uFFFF\uFEFF",
      "]]>",
      "😀",
      "\r\n",
    ),
    fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
  ),
});
const holdable = anyText.map((text) => replaced(text).replaceAll("\uFFFD", ""));

describe("escaping", () => {
  test("has a form for all that XML can hold, and replaces the rest", () => {
    expect(escapeText("a&b<c>d\re\"f'g\t\n")).toBe("a&amp;b&lt;c&gt;d&#13;e\"f'g\t\n");
    expect(escapeAttribute("a&b<c>d\re\"f'g\t\n")).toBe("a&amp;b&lt;c&gt;d&#13;e&quot;f&apos;g&#9;&#10;");
    const unholdable = "\0\x08\x0B\x0C\x0E\x1F\uFFFE\uFFFF\uD800";
    expect(escapeText(`${unholdable}.`)).toBe(`${"\uFFFD".repeat(9)}.`);
    expect(escapeText("\uDE00\uD83D\uDE00\uD83D")).toBe("\uFFFD😀\uFFFD");
    expect(escapeText("\x7F\x80\x85\x9F\u2028\uFDD0\u{1FFFE}")).toBe("\x7F\x80\x85\x9F\u2028\uFDD0\u{1FFFE}");
  });

  test("a parser gives the text back", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parsed(`<a>${escapeText(text)}</a>`).text).toBe(replaced(text));
        for (const quote of [`"`, `'`]) {
          const { attribute } = parsed(`<a b=${quote}${escapeAttribute(text)}${quote}/>`);
          expect(attribute).toBe(replaced(text));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("CDATA", () => {
  test("splits the end mark, and keeps carriage returns outside", () => {
    expect(cdata("")).toBe("");
    expect(cdata("a<b")).toBe("<![CDATA[a<b]]>");
    expect(cdata("a]]>b")).toBe("<![CDATA[a]]]]><![CDATA[>b]]>");
    expect(cdata("a\r\nb\r\r")).toBe("<![CDATA[a]]>&#13;<![CDATA[\nb]]>&#13;&#13;<![CDATA[]]>");
  });

  test("a parser gives the text back", () => {
    fc.assert(
      fc.property(holdable, (text) => {
        expect(parsed(`<a>${cdata(text)}</a>`).text).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["a\0", "a\uFFFE", "a\uD83D", "a\uDE00b"])("%j is an error", (text) => {
    expect(findUnholdable(text)).toBe(1);
    expect(() => cdata(text)).toThrow(EncodingError);
  });
});

test("the first character that cannot be held is found", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const position = findUnholdable(text);
      const clean = position < 0 ? text : text.slice(0, position);
      expect(replaced(clean)).toBe(clean);
      if (position >= 0) expect(replaced(text).charAt(position)).toBe("\uFFFD");
    }),
  );
  expect(findUnholdable("a😀\u{10FFFF}\uFFFD")).toBe(-1);
});

describe("piece by piece", () => {
  test("text cut anywhere is escaped alike", () => {
    fc.assert(
      fc.property(fc.array(anyText), (pieces) => {
        expect(through(xmlTextEncoder(), pieces)).toBe(escapeText(pieces.join("")));
      }),
    );
  });

  test("CDATA cut anywhere gives the text back", () => {
    fc.assert(
      fc.property(holdable, (text) => {
        const pieces = text.split("");
        expect(parsed(`<a>${through(cdataEncoder(), pieces)}</a>`).text).toBe(text);
      }),
    );
    expect(through(cdataEncoder(), ["]", "]", ">"])).toBe("<![CDATA[]]]><![CDATA[]]]><![CDATA[>]]>");
  });

  test("half of a pair at the end is not lost", () => {
    expect(through(xmlTextEncoder(), ["a\uD83D"])).toBe("a\uFFFD");
    expect(() => through(cdataEncoder(), ["a\uD83D"])).toThrow(EncodingError);
  });
});

test.each(["<", "\r", "]]>", "]", "\0", "😀", "\uD83D", "a"])("2 MB of %j take linear time", (unit) => {
  const text = unit.repeat(2_000_000 / unit.length);
  const started = performance.now();
  escapeText(text);
  escapeAttribute(text);
  if (findUnholdable(text) < 0) cdata(text);
  expect(performance.now() - started).toBeLessThan(5_000);
});

/** What is left of a text in any form of XML, written in another way than the code. */
function replaced(text: string): string {
  return Array.from(text, (character) => {
    const point = character.codePointAt(0) ?? 0;
    const isHeld = point === 9 || point === 10 || point === 13 || (point >= 0x20 && point < 0xd800);
    return isHeld || (point >= 0xe000 && point <= 0xfffd) || point >= 0x10000 ? character : "\uFFFD";
  }).join("");
}

function parsed(document: string): { text: string; attribute: string | undefined } {
  const parser = new SaxesParser();
  const texts: string[] = [];
  let attribute: string | undefined;
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("text", (part) => texts.push(part));
  parser.on("cdata", (part) => texts.push(part));
  parser.on("opentag", (tag) => {
    attribute = tag.attributes.b;
  });
  parser.write(document).close();
  return { text: texts.join(""), attribute };
}

function through(encoder: { write(text: string): string; end(): string }, pieces: readonly string[]): string {
  return pieces.map((piece) => encoder.write(piece)).join("") + encoder.end();
}

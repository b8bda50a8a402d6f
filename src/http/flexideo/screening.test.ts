import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property } from "fast-check";
import { Screening } from "./screening.ts";

const limits = { xmlReferences: 3, xmlNodes: 5 };

/** The words of the refusal, "none" when there is none. `size`: the length of the pieces. */
function screened(text: string, size = text.length || 1): string {
  try {
    const screening = new Screening(limits);
    for (let at = 0; at < text.length; at += size) screening.add(text.slice(at, at + size));
    screening.end();
    return "none";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe("a document type", () => {
  test.each([
    "<!DOCTYPE a><a/>",
    "<?xml?> <!-- --> <!DOCTYPE a><a/>",
    "<a><!DOCTYPE a></a>",
    "<!--><!DOCTYPE--><!DOCTYPE a>",
  ])("%s is found, wherever the pieces are cut", (text) => {
    for (let size = 1; size <= text.length; size += 1) expect(screened(text, size)).toContain("<!DOCTYPE");
  });

  test.each([
    "<!-- <!DOCTYPE a> --><a/>",
    "<a><![CDATA[<!DOCTYPE a>]]></a>",
    "<?a <!DOCTYPE a>?><a/>",
    "<a>&lt;!DOCTYPE a></a>",
  ])("%s has none", (text) => {
    for (let size = 1; size <= text.length; size += 1) expect(screened(text, size)).toBe("none");
  });
});

describe("references", () => {
  test.each([
    ["<a>&amp;&#65;&x;</a>", "none"],
    ["<a>&amp;&#65;&x;&</a>", "at most 3 references"],
    ["<a b='&amp;&amp;' c='&amp;&amp;'/>", "at most 3 references"],
    ["<a><![CDATA[&&&&&]]><!-- &&&& --><?b &&&& ?>&amp;</a>", "none"],
    ["<a><![CDATA[ ]]&]>]]>&&&</a>", "none"],
  ])("%s: %s", (text, said) => {
    for (let size = 1; size <= text.length; size += 1) expect(screened(text, size)).toContain(said);
  });
});

test("too many tags are refused before they are parsed", () => {
  expect(screened("<a/>".repeat(10))).toBe("none");
  expect(screened("<a/>".repeat(12))).toContain("xmlNodes");
  expect(screened(`<a><![CDATA[${"<".repeat(100)}]]></a>`)).toBe("none");
});

test.each([
  ["<a><!-- ", "-->"],
  ["<a><![CDATA[ ]]", "]]>"],
  ["<?a", "?>"],
  ["<a", "element"],
  ["", "element"],
  ["<a/> x \n", "element"],
])("%j ends too early", (text, missing) => {
  expect(screened(text)).toContain(missing);
});

test("where the pieces are cut makes no difference", () => {
  const parts = [
    "<a>",
    "</a>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "&",
    "<!DOCTYPE",
    "-",
    "]",
    ">",
    "<",
    "!",
    "x",
  ];
  assert(
    property(
      array(constantFrom(...parts), { maxLength: 12 }),
      integer({ min: 1, max: 9 }),
      (chosen, size) => {
        const text = chosen.join("");
        expect(screened(text, size)).toBe(screened(text));
      },
    ),
  );
});

import { CString, dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mayBeMissing } from "../../test/support/tools.ts";
import { asElements } from "./xmlContent.ts";
import { cdata, escapeAttribute, escapeText, findUnholdable } from "./xmlText.ts";

// The program `xmllint` is this library with a command line around it. It shares no code with the parser we use.

const library = openLibrary();

const characters = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."]>&<\"'\r\n\t\x7F\x85\u2028\uFEFF", "]]>", "😀", "\r\n"),
    fc.string({ minLength: 1, maxLength: 1, unit: "grapheme" }),
  ),
});
const holdable = characters.filter((text) => findUnholdable(text) < 0);

/** Parts of XML in any order, so that about one text of three is content. */
const parts = fc.array(
  fc.constantFrom(
    ...[
      "<a>",
      "</a>",
      "<b/>",
      "<x:a xmlns:x='urn:x'>",
      "</x:a>",
      "<x:b/>",
      "<a xmlns='urn:x'>",
      "<b c='1'",
      " d='2'/>",
    ],
    ...[
      " c='2'>",
      "<b c='&lt;'/>",
      "<b xmlns:y='urn:x' y:c='' x:c=''/>",
      "&lt;",
      "&#13;",
      "&#x1F600;",
      "&#0;",
      "&b;",
    ],
    ...[
      "<![CDATA[",
      "]]>",
      "<!--",
      "-->",
      "--",
      "-",
      "<?p q?>",
      "<?p?q?>",
      "<?",
      "?>",
      "<",
      ">",
      "&",
      "x",
      " ",
      "\r\n",
    ],
    ...[
      "\u0301",
      "·",
      "1",
      "č",
      ":",
      "'",
      '"',
      "/",
      "</output>",
      "<output>",
      "<x:1/>",
      "<é·1/>",
      "<!DOCTYPE a>",
    ],
  ),
  { maxLength: 8 },
);

describe.skipIf(library === null && mayBeMissing)("as libxml2 has it", () => {
  test("text, attributes and CDATA come back", () => {
    fc.assert(
      fc.property(holdable, (text) => {
        expect(content(`<a>${escapeText(text)}</a>`)).toBe(text);
        expect(content(`<a>${cdata(text)}</a>`)).toBe(text);
        expect(content(`<a b="${escapeAttribute(text)}"/>`, "b")).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test("content is what it takes within a tag", () => {
    let taken = 0;
    fc.assert(
      fc.property(parts, (pieces) => {
        const text = pieces.join("");
        const hasElement = /<[^!?/]/.test(text.replace(/<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>/gs, ""));
        const isTaken = hasElement && isNamespaceWellFormed(`<output>${text}</output>`);
        if (isTaken) taken++;
        expect([text, asElements(text)]).toEqual([text, isTaken ? text : null]);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});

function isNamespaceWellFormed(document: string): boolean {
  return parse(document, () => true) ?? false;
}

/** The text of the root, or of an attribute of it. */
function content(document: string, attribute?: string): string | null {
  return parse(document, (libxml2, root) => {
    const text =
      attribute === undefined
        ? libxml2.xmlNodeGetContent(root)
        : libxml2.xmlGetProp(root, ptr(new TextEncoder().encode(`${attribute}\0`)));
    return text === null ? "" : new CString(text).toString();
  });
}

function parse<Result>(
  document: string,
  use: (libxml2: NonNullable<typeof library>, root: bigint | Pointer) => Result,
): Result | null {
  if (library === null) throw new Error("there is no libxml2 here");
  const bytes = new TextEncoder().encode(document);
  // No network, and nothing printed.
  const options = 2_048 | 32 | 64;
  library.xmlResetLastError();
  const parsed = library.xmlReadMemory(ptr(bytes), bytes.length, null, null, options);
  const error = library.xmlGetLastError();
  if (parsed === null) return null;
  const root = library.xmlDocGetRootElement(parsed);
  // Errors of namespaces leave a document; warnings do not count.
  const errorLevel = error === null ? 0 : read.i32(error, 16);
  const result = root !== null && errorLevel < 2 ? use(library, root) : null;
  library.xmlFreeDoc(parsed);
  return result;
}

function openLibrary() {
  try {
    const { i32, ptr: pointer } = FFIType;
    return dlopen("libxml2.so.2", {
      xmlReadMemory: { args: [pointer, i32, pointer, pointer, i32], returns: pointer },
      xmlDocGetRootElement: { args: [pointer], returns: pointer },
      xmlNodeGetContent: { args: [pointer], returns: pointer },
      xmlGetProp: { args: [pointer, pointer], returns: pointer },
      xmlFreeDoc: { args: [pointer], returns: FFIType.void },
      xmlGetLastError: { args: [], returns: pointer },
      xmlResetLastError: { args: [], returns: FFIType.void },
    }).symbols;
  } catch {
    return null;
  }
}

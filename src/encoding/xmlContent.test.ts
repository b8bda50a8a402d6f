import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { XmlError } from "./errors.ts";
import { readXml } from "./strictXml.ts";
import { asElements } from "./xmlContent.ts";

const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
const attributes = (count: number) => Array.from({ length: count }, (_, index) => ` a${index}=""`).join("");

describe("content as it is", () => {
  test.each([
    "<a/>",
    "text <a>b</a> text\r\n<c/>",
    "\n  <a/>\n",
    "<a b='1' c=\"&lt;&#xA;&#9;'\">&amp;&gt;&quot;&apos;&#128512;😀</a>",
    "<!-- ]]> & < --><a/><?target body?><?target?><!---->",
    "<a><![CDATA[<&>]] >]]></a>",
    "<a>]] ></a>]]&gt;",
    '<x:a xmlns:x="urn:x" x:b="1" b="2" xml:lang="cs"/>',
    '<a xmlns="urn:x"><b xmlns=""/></a>',
    '<a xmlns:x="urn:x"><x:b xmlns:x="urn:y"/><x:c/></a>',
    "<čaj·1 _-.=''/>",
    "<output/>",
    nested(64),
    `<a${attributes(64)}/>`,
  ])("%j", (text) => {
    expect(asElements(text)).toBe(text);
  });

  test("without byte order mark and declaration", () => {
    for (const declaration of [
      `<?xml version="1.0"?>`,
      `\uFEFF<?xml version='1.0' encoding='windows-1250' standalone="yes" ?>`,
      `<?xml version = "1.1"\n\tencoding="UTF-16"?>`,
      `\uFEFF`,
    ])
      expect(asElements(`${declaration}\n<a/>`)).toBe("\n<a/>");
  });
});

describe("no content", () => {
  test.each([
    "",
    "text",
    "a < b & c",
    "<!-- a -->",
    "<![CDATA[<a/>]]>",
    "<a>",
    "</a>",
    "<a></b>",
    "<a></A>",
    "<a><b></a></b>",
    "<a/>]]>",
    "<a>]]></a>",
    "<a>&nbsp;</a>",
    "<a>&constructor;&toString;</a>",
    "<a>&amp</a>",
    "<a>& b</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#X41;</a>",
    "<a>\x01</a>",
    "<a>\uD83D</a>",
    "<a/>\uDE00",
    "<a b='\uFFFF'/>",
    "<a b=c/>",
    "<a b/>",
    "<a b='1'c='2'/>",
    "<a b='<'/>",
    "<a b='1' b='2'/>",
    "<a xmlns:x='u' xmlns:y='u' x:b='' y:b=''/>",
    "<x:a/>",
    "<a x:b=''/>",
    "<a><x:b xmlns:x='u'/><x:c/></a>",
    "<a xmlns:x=''/>",
    "<a:b:c xmlns:a='u'/>",
    "<:a/>",
    "<a:/>",
    "<x:1 xmlns:x='u'/>",
    "<a xmlns:1='u'/>",
    "<1/>",
    "<-a/>",
    "<a xmlns:xml='u'/>",
    "<a xmlns:xmlns='u'/>",
    "<xmlns:a/>",
    "<!-- -- --><a/>",
    "<!-- --->",
    "<!--",
    "<a/><!--",
    "<a/><![CDATA[",
    "<a/><?",
    "<a/><?b",
    "<?a?b?><a/>",
    "<?a:b c?><a/>",
    "<?XML a?><a/>",
    "<!DOCTYPE a><a/>",
    "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "<!ELEMENT a ANY><a/>",
    " <?xml version='1.0'?><a/>",
    "<?xml version='1.0'?><?xml version='1.0'?><a/>",
    "<?xml version='2.0'?><a/>",
    "<?xml encoding='UTF-8'?><a/>",
    "<?xml version='1.0' standalone='maybe'?><a/>",
    "</output><output>",
    "<a/></output><output><b/>",
    "</output><!-- --><output>",
    "<a",
    "<a/",
    "<a/><",
    "<a/>&lt",
    "< a/>",
    "<a / >",
    "<a></ a>",
    "<a></a b=''>",
    nested(65),
    `<a${attributes(65)}/>`,
  ])("%j", (text) => {
    expect(asElements(text)).toBeNull();
  });
});

test("any text is content or not", () => {
  const parts = [
    "<a>",
    "</a>",
    "<a/>",
    "<",
    ">",
    "&",
    ";",
    "&lt;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?",
    "?>",
    "\0",
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: "binary" }))), (pieces) => {
      const text = pieces.join("");
      expect([text.replace(/^\uFEFF/, ""), null]).toContain(asElements(text));
    }),
    { numRuns: 2_000 },
  );
});

test("an error names line, column and position", () => {
  const failure = failureOf(() => readXml(["<a>\n", "  <b c='1' c='2'/>\n</a>"], () => ({})));
  expect(failure?.message).toBe("duplicate attribute: c (line 2, column 18)");
  expect(failure?.position).toBe(22);
  expect(failureOf(() => readXml(["<a>", "b\0</a>"], () => ({})))?.position).toBe(4);
});

test.each([
  "<a/>",
  "<a>b</a>",
  "&lt;<a/>",
  "<!-- a --><a/>",
  "<![CDATA[a]]>",
  "<?a b?>",
  "<a b='&lt;&#10;c'/>",
  "]]",
  "\r\n",
  "<a",
  "<a ",
  "<?xml ",
  "<!--",
  "&",
  "&a;",
  "<a b='",
  "x",
  " ",
])("2 MB of %j take linear time", (part) => {
  const text = part.repeat(Math.floor(2_000_000 / part.length));
  const started = performance.now();
  asElements(text);
  asElements(`<a>${text}</a>`);
  asElements(`<?xml version="1.0"${" ".repeat(1_000_000)}`);
  expect(performance.now() - started).toBeLessThan(10_000);
});

function failureOf(read: () => void): XmlError | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
}

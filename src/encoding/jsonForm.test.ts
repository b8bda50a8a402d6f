import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { JsonFormError } from "./errors.ts";
import { jsonFromXml } from "./jsonForm.ts";
import { escapeText } from "./xmlText.ts";

const jsn = 'xmlns:jsn="http://www.flexideo.com/actions/json"';
const http = 'xmlns:http="http://www.flexideo.com/actions/http"';
const object = (content: string) => `<jsn:root ${jsn} type="object">${content}</jsn:root>`;
const array = (content: string) => `<jsn:root ${jsn} type="array">${content}</jsn:root>`;
const item = (type: string, text: string) => `<jsn:element type="${type}">${text}</jsn:element>`;

describe("the form", () => {
  test("of the manual", () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
      <http:root ${http}>
        <jsn:root ${jsn} type="array">
          <jsn:element type="object">
            <name type="string">Novák</name>
            <email type="string">novak@email.cz</email>
            <places type="array"><jsn:element type="string">Horní 15</jsn:element></places>
          </jsn:element>
        </jsn:root>
      </http:root>`;
    expect(jsonFromXml(xml)).toBe('[{"name":"Novák","email":"novak@email.cz","places":["Horní 15"]}]');
  });

  test.each([
    [object(""), "{}"],
    [array("\r\n\t "), "[]"],
    [object(`<a type="object"/><b type="array"/>`), '{"a":{},"b":[]}'],
    [
      object(`<a type="string"/><b type="string"> x\r\n&#13;"\\&lt;<![CDATA[<]]><!-- y -->z<?p?> </b>`),
      '{"a":"","b":" x\\n\\r\\"\\\\<<z "}',
    ],
    [
      array(item("number", " -0.10e+05\n") + item("number", "12345678901234567890")),
      "[-0.10e+05,12345678901234567890]",
    ],
    [
      array(item("boolean", "true") + item("boolean", " false ") + item("null", " ") + item("null", "")),
      "[true,false,null,null]",
    ],
    [
      object(`<__proto__ type="null"/><constructor type="null"/><č-1. type="null"/>`),
      '{"__proto__":null,"constructor":null,"č-1.":null}',
    ],
    [object(`<jsn:element type="null"/><jsn:root type="null"/>`), '{"element":null,"root":null}'],
    [
      `<root xmlns="http://www.flexideo.com/actions/json" type="array"><element type="null"/></root>`,
      "[null]",
    ],
    [`<http:root ${http} id="1"><!-- --> ${array("")} </http:root>`, "[]"],
    [`\uFEFF${array("")}\n`, "[]"],
    [object(`<a type="string" xml:space="preserve" xmlns:x="u"> </a>`), '{"a":" "}'],
  ])("%s", (xml, json) => {
    expect(jsonFromXml(xml)).toBe(json);
  });

  test("any JSON comes back", () => {
    const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]*$/);
    const text = fc.string({ unit: "grapheme" }).map((value) => value.replace(/[^\t\n\r\x20-\uFFFD]/g, ""));
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
        fc.array(tie("tree")),
        fc.dictionary(key, tie("tree")),
      ),
    }));
    fc.assert(
      fc.property(fc.oneof(fc.array(tree), fc.dictionary(key, tree)), (value) => {
        expect(JSON.parse(jsonFromXml(formOf(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("another form", () => {
  test.each([
    ["", "document must contain a root element"],
    ["{}", "text data outside of root node"],
    [`<root type="object"/>`, "<root> of http://www.flexideo.com/actions/json is due, not <root>"],
    [`<jsn:root ${jsn}/>`, "<jsn:root> has no type"],
    [`<jsn:root ${jsn} type="string"/>`, "the root has the type string; allowed are object, array"],
    [object(`<a/>`), "<a> has no type"],
    [
      object(`<a type="int">1</a>`),
      '<a> has the type "int"; allowed are string, number, boolean, null, object, array',
    ],
    [object(`<a type="null" b="1"/>`), "<a> has the unknown attribute b"],
    [object("x"), "<jsn:root> may hold elements only, but has text"],
    [object("<![CDATA[x]]>"), "<jsn:root> may hold elements only, but has text"],
    [array("&#160;"), "<jsn:root> may hold elements only, but has text"],
    [
      array(`<element type="null"/>`),
      "items of an array are <element> of http://www.flexideo.com/actions/json, not <element>",
    ],
    [object(`<a type="null"/><a type="null"/>`), 'the object has two members "a"'],
    [object(`<a type="null"/><jsn:a type="null"/>`), 'the object has two members "a"'],
    [object(`<x:a xmlns:x="u" type="null"/>`), "<x:a> stands in another namespace"],
    [
      object(`<a type="string"><b type="string"/></a>`),
      "<a> of the type string may hold text only, but has <b>",
    ],
    [object(`<a type="number">01</a>`), '<a> of the type number holds "01"'],
    [object(`<a type="number"/>`), '<a> of the type number holds ""'],
    [object(`<a type="number">1 2</a>`), '<a> of the type number holds "1 2"'],
    [object(`<a type="boolean">TRUE</a>`), '<a> of the type boolean holds "TRUE"'],
    [object(`<a type="null">null</a>`), '<a> of the type null holds "null"'],
    [`<http:root ${http}/>`, "<http:root> holds no root"],
    [`<http:root ${http}>${array("")}${array("")}</http:root>`, "there may be one root only"],
    [`<http:root ${http}>x${array("")}</http:root>`, "<http:root> may hold elements only, but has text"],
    [`<http:root ${http}><http:root/></http:root>`, "is due, not <http:root>"],
    [`<!DOCTYPE a>${array("")}`, "a document type declaration is not allowed"],
    [array(`${item("string", "&nbsp;")}`), "undefined entity"],
    [array(`${item("string", "\0")}`), "the character U+0000 at "],
    [array(`${`<jsn:element type="array">`.repeat(64)}`), "elements are nested more than 64 deep"],
    [array("").repeat(2), "documents may contain only one root"],
    [array("").slice(0, -1), "unclosed tag: jsn:root"],
  ])("%s", (xml, message) => {
    const failure = failureOf(xml);
    expect(failure?.message).toContain(message);
    expect(failure?.position).toBeWithin(0, xml.length + 1);
  });

  test("the place is told", () => {
    const failure = failureOf(object('\n <a type="int"/>'));
    expect(failure?.message).toEndWith("(line 2, column 16)");
  });
});

test.each([
  item("number", "1"),
  item("string", "&lt;"),
  " ",
  `<jsn:element type="number">${" ".repeat(100_000)}`,
  `<jsn:element type="null">${" ".repeat(100_000)}x`,
])("2 MB of %p take linear time", (part) => {
  const started = performance.now();
  failureOf(array(part.repeat(Math.ceil(2_000_000 / part.length))));
  const keys = Array.from({ length: 80_000 }, (_, index) => `<k${index} type="null"/>`).join("");
  expect(failureOf(object(keys))).toBeNull();
  expect(performance.now() - started).toBeLessThan(10_000);
});

function formOf(value: unknown): string {
  const type = Array.isArray(value) ? "array" : "object";
  return `<jsn:root ${jsn} type="${type}">${contentOf(value)}</jsn:root>`;
}

function contentOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => item(typeOf(one), contentOf(one))).join(" ");
  if (value === null) return "";
  if (typeof value !== "object") return escapeText(String(Object.is(value, -0) ? 0 : value));
  return Object.entries(value)
    .map(([key, one]) => `<${key} type="${typeOf(one)}">${contentOf(one)}</${key}>`)
    .join("\n");
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function failureOf(xml: string): JsonFormError | null {
  try {
    jsonFromXml(xml);
    return null;
  } catch (error) {
    if (error instanceof JsonFormError) return error;
    throw error;
  }
}

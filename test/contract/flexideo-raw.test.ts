// Contract flexideo, encode "raw" and "json": output that is XML stands there as XML, any other as exactly its text.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  postXml,
  readAnswers,
  type ShellAnswer,
  sh,
  shell,
  shellTag,
  solve,
  xmlText,
} from "../support/flexideo.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** A program that writes this text. */
async function written(text: string, encode: string | null = null, of = server): Promise<ShellAnswer> {
  const input = Buffer.from(text).toString("base64");
  return shell(of, { command: "cat", "input-encoding": "base64", encode }, input);
}

/** What stands in `<output>`, as it was sent. */
async function sent(text: string): Promise<string> {
  const input = shellTag(
    { command: "cat", "input-encoding": "base64" },
    Buffer.from(text).toString("base64"),
  );
  const body = await (await postXml(server, `<request>${input}</request>`)).text();
  return /<output>([\s\S]*)<\/output>/.exec(body)?.[1] ?? body;
}

describe("raw stands as elements:", () => {
  test.each([
    ["<a/>"],
    ["<a>b</a>\n"],
    ["  <a/> text <b c='d'/>"],
    ["<a>&amp;&lt;&#65;</a>"],
    ["<a><![CDATA[<b>]]></a><!-- c --><?d e?>"],
    ['<x:a xmlns:x="urn:x" x:b="c"/>'],
    ['<a xmlns="urn:a"><b/></a>'],
    ["<žluť>😀</žluť>"],
  ])("%j", async (text) => {
    expect(await sent(text)).toBe(text);
    const { status, children } = await written(text);
    expect([status, children[0]?.children.length]).not.toEqual(["ok", 0]);
  });

  test.each([
    ['<?xml version="1.0"?>\n<a/>', "\n<a/>"],
    ["<?xml version='1.0' encoding='windows-1250' standalone='yes' ?><a/>", "<a/>"],
    ['\ufeff<?xml version="1.0"?><a>b</a>', "<a>b</a>"],
    ["\ufeff<a/>", "<a/>"],
  ])("%j without its declaration", async (text, content) => {
    expect(await sent(text)).toBe(content);
  });

  test("and a parser finds them", async () => {
    const { children } = await written('<list><item n="1">a&amp;b</item><item n="2"/></list>');
    expect(children[0]?.children).toEqual([
      {
        name: "list",
        attributes: {},
        text: "",
        children: [
          { name: "item", attributes: { n: "1" }, text: "a&b", children: [] },
          { name: "item", attributes: { n: "2" }, text: "", children: [] },
        ],
      },
    ]);
  });
});

describe("raw stands as exactly its text:", () => {
  test.each([
    ["hello\n"],
    ["a&amp;b"],
    ["a & b < c > d"],
    ["]]>"],
    ["a]]>b]]]]>>c"],
    ["]]"],
    ["<x:a/>"],
    ['<a x:b="c"/>'],
    ["<a>"],
    ["</output>"],
    ["</output></shell></response>"],
    ["<a></b>"],
    ["<a b=c/>"],
    ["<a/>&nbsp;"],
    ["<!DOCTYPE a><a/>"],
    ["<?xml version='1.0'?>no element"],
    ["text <?xml version='1.0'?><a/>"],
    ["<!-- only -->"],
    ["<![CDATA[a]]>"],
    ["a\r\nb\rc\n\r"],
    ["\r"],
    ["]]\r>"],
    ["\t \n"],
    ["\ufeffa"],
    ["\x7f\x85\u2028"],
    ["žluť 😀"],
    [""],
  ])("%j", async (text) => {
    const { status, output, children } = await written(text);
    expect([status, output, children[0]?.children]).toEqual(["ok", text, []]);
  });

  test("of any length, with marks at every seam", async () => {
    const text = `${"x".repeat(131_070)}]]>\r\n`.repeat(20);
    const answer = await shell(server, { command: "cat" }, xmlText(text));
    expect(answer.output === text).toBe(true);
  });
});

describe("raw cannot be told", () => {
  test.each([
    ["a\0b"],
    ["\x01"],
    ["\x1b[1mbold"],
    ["\x0c"],
    ["\ufffe"],
    ["\uffff"],
    [`${"x".repeat(300_000)}\0`],
  ])("for %j: the detail names what can", async (text) => {
    const { status, attributes, children } = await written(text);
    expect([status, children]).toEqual(["error", []]);
    expect(attributes).toMatchObject({ result: "0", command: "cat" });
    for (const word of ["hex", "base64", "stdout"]) expect(attributes.detail).toContain(word);
    // The output stays with the job.
    const id = /id="(\d+)"/.exec(attributes.detail ?? "")?.[1] ?? "";
    const again = await shell(server, { id, encode: "base64" });
    expect(Buffer.from(again.output ?? "", "base64").toString()).toBe(text);
  });

  test("when stderr alone has such a character", async () => {
    const { status, attributes } = await shell(server, { command: sh("echo a; printf '\\0' >&2") });
    expect([status, attributes.detail?.startsWith("stderr")]).toEqual(["error", true]);
  });

  test("only for its own shell", async () => {
    const answers = await solve(
      server,
      shellTag({ command: "printf '\\0'" }),
      shellTag({ command: "echo a" }),
    );
    expect(answers.map(({ status }) => status)).toEqual(["error", "ok"]);
  });
});

describe("a long raw output", () => {
  let small: Server;
  beforeAll(async () => {
    small = await startServer({ config: "[limits]\nwholeTextBytes = 100\n" });
  });

  test("that is no XML is told, with all its characters", async () => {
    for (const text of [
      "x".repeat(101),
      ` [1] <a> & ]]>\r\n`.repeat(50),
      `<1>${"y".repeat(200)}`,
      "\n".repeat(500),
    ]) {
      expect(await written(text, null, small)).toMatchObject({ status: "ok", output: text });
    }
  });

  test("that may be XML is refused with the limit, and xml, hex and base64 tell it", async () => {
    const text = `\n<a>${"b".repeat(100)}</a>`;
    const { status, attributes } = await written(text, null, small);
    expect([status, attributes.detail?.includes("wholeTextBytes")]).toEqual(["error", true]);
    expect(await written(text, "xml", small)).toMatchObject({ status: "ok", output: text });
    const fits = `<a>${"b".repeat(93)}</a>`;
    expect((await written(fits, null, small)).children[0]?.children).toHaveLength(1);
  });

  test("as JSON is refused with the limit", async () => {
    const { status, attributes } = await written("x".repeat(101), "json", small);
    expect([status, attributes.detail?.includes("wholeTextBytes")]).toEqual(["error", true]);
  });
});

describe("json", () => {
  const jsn = 'xmlns:jsn="http://www.flexideo.com/actions/json"';
  const http = 'xmlns:http="http://www.flexideo.com/actions/http"';
  const object = `<jsn:root ${jsn} type="object"><a type="string">x &amp; "y" &lt;</a><b type="array"><jsn:element type="number">1.50</jsn:element><jsn:element type="null"/><jsn:element type="boolean">true</jsn:element></b></jsn:root>`;

  test.each([
    [object, { a: 'x & "y" <', b: [1.5, null, true] }],
    [`<?xml version="1.0"?>\n${object}\n`, { a: 'x & "y" <', b: [1.5, null, true] }],
    [`<http:root ${http}>${object}</http:root>`, { a: 'x & "y" <', b: [1.5, null, true] }],
    [`<jsn:root ${jsn} type="array"/>`, []],
    [`<jsn:root ${jsn} type="object"/>`, {}],
    [
      `<jsn:root ${jsn} type="array"><jsn:element type="string">]]&gt;&#13;&#10;\t😀</jsn:element></jsn:root>`,
      ["]]>\r\n\t😀"],
    ],
  ])("%s is JSON text", async (text, value) => {
    const { status, output, children } = await written(text, "json");
    expect([status, JSON.parse(output ?? ""), children[0]?.children]).toEqual(["ok", value, []]);
  });

  test.each([
    ["text"],
    ["<a/>"],
    ["{}"],
    [`<jsn:root ${jsn} type="string"/>`],
    ["<jsn:root type='array'/>"],
    [" "],
    ["\0"],
  ])("%j is not that form: an error that says so", async (text) => {
    const { status, attributes, children } = await written(text, "json");
    expect([status, children, attributes.result]).toEqual(["error", [], "0"]);
    expect(attributes.detail).toStartWith("stdout is not the XML form of JSON");
  });

  test("a stream that nothing was written to is nothing", async () => {
    expect(await shell(server, { command: "false", encode: "json" })).toMatchObject({
      status: "fail",
      output: "",
      error: "",
    });
    const noisy = await shell(server, { command: sh("echo warning >&2"), encode: "json" });
    expect([noisy.status, noisy.attributes.detail?.startsWith("stderr")]).toEqual(["error", true]);
  });

  test("in any code page", async () => {
    const text = `<jsn:root ${jsn} type="array"><jsn:element type="string">žř</jsn:element></jsn:root>`;
    const answer = await shell(server, { command: "cat", codepage: "1250", encode: "json" }, xmlText(text));
    expect(JSON.parse(answer.output ?? "")).toEqual(["žř"]);
  });

  test("as the answer carries it, in more than one shell", async () => {
    const tag = shellTag({ command: "cat", encode: "json" }, xmlText(object));
    const body = await (await postXml(server, `<request>${tag}${tag}</request>`)).text();
    expect(readAnswers(body).map(({ output }) => JSON.parse(output ?? "").a)).toEqual([
      'x & "y" <',
      'x & "y" <',
    ]);
  });
});

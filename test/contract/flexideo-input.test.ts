// Contract flexideo, "Input data": the text of <shell> reaches stdin byte for byte, in every encoding.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  type Attributes,
  fetched,
  launch,
  postXml,
  readAnswers,
  shell,
  xmlText,
} from "../support/flexideo.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** What `od` says of stdin, in hexadecimal. */
async function received(content: string, attributes: Attributes = {}): Promise<string> {
  const answer = await shell(server, { command: "od -An -v -tx1", ...attributes, encode: "hex" }, content);
  if (answer.status !== "ok") throw new Error(JSON.stringify(answer.attributes));
  // `od` itself writes ASCII, whatever the code page.
  return Buffer.from(answer.output ?? "", "hex")
    .toString()
    .replace(/\s/g, "");
}

const hexOf = (text: string, encoding: BufferEncoding = "utf8") =>
  Buffer.from(text, encoding).toString("hex");

async function wrong(content: string, attributes: Attributes): Promise<string> {
  const { status, attributes: told } = await shell(server, { command: "cat", ...attributes }, content);
  expect(status).toBe("error");
  return told.detail ?? "";
}

describe("text", () => {
  test.each([
    ["", ""],
    ["a", hexOf("a")],
    ["žluť 😀", hexOf("žluť 😀")],
    [" \n\ta \n", hexOf(" \n\ta \n")],
    ["\n", hexOf("\n")],
    ["&lt;a&gt; &amp;amp; &quot;&apos;", hexOf(`<a> &amp; "'`)],
    ["a&#13;&#10;b&#x1F600;", hexOf("a\r\nb😀")],
    // A parser of XML makes one line feed of each line end.
    ["a\r\nb\rc\n", hexOf("a\nb\nc\n")],
    ["<![CDATA[<a>&amp;]]>", hexOf("<a>&amp;")],
    ["<![CDATA[]]>", ""],
    ["\n  <![CDATA[ a ]]>\n", hexOf(" a ")],
    ["x<![CDATA[ a ]]>\n", hexOf("x a \n")],
    ["<![CDATA[a]]]]><![CDATA[>b]]>", hexOf("a]]>b")],
    [" <![CDATA[a]]> <![CDATA[b]]> ", hexOf(" a b ")],
    ["a<!-- c -->b<?d e?>c", hexOf("abc")],
  ])("%j gives %j", async (content, bytes) => {
    expect(await received(content)).toBe(bytes);
  });

  test("goes to sync, async and detached programs alike", async () => {
    const id = await launch(server, "cat", {});
    expect((await fetched(server, id)).output).toBe("");
    const answer = await shell(server, { command: "sha256sum", call: "async" }, "given");
    const sum = createHash("sha256").update("given").digest("hex");
    expect((await fetched(server, answer.attributes.id ?? "")).output).toBe(`${sum}  -\n`);
  });

  test("need not be read", async () => {
    expect(await shell(server, { command: "true" }, "x".repeat(300_000))).toMatchObject({ status: "ok" });
  });

  test("of 6 MB arrives whole, as text, hex and base64", async () => {
    const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7_919) & 0xff));
    const sum = (data: Uint8Array | string) => `${createHash("sha256").update(data).digest("hex")}  -\n`;
    const text = "žluťoučký kůň\n".repeat(300_000);
    const send = async (content: string, encoding: string) =>
      (await shell(server, { command: "sha256sum", "input-encoding": encoding }, content)).output;
    expect(await send(text, "utf8")).toBe(sum(text));
    expect(await send(bytes.toString("hex"), "hex")).toBe(sum(bytes));
    expect(await send(bytes.toString("base64"), "base64")).toBe(sum(bytes));
  });
});

describe("input-encoding and codepage", () => {
  test.each([
    [{ "input-encoding": "hex" }, "00ff 7f\n80", "00ff7f80"],
    [{ "input-encoding": "hex" }, "ABcd\tef", "abcdef"],
    [{ "input-encoding": "hex" }, "", ""],
    [{ "input-encoding": "hex" }, " \n ", ""],
    [{ "input-encoding": "base64" }, "AP9/\n gA==", "00ff7f80"],
    [{ "input-encoding": "base64" }, "", ""],
    [{ "input-encoding": "hex", codepage: "utf16" }, "41", "41"],
    [{ "input-encoding": "base64", codepage: "1252" }, "QQ==", "41"],
    [{ "input-encoding": "utf8" }, "ž", hexOf("ž")],
    [{ "input-encoding": "65001" }, "ž", hexOf("ž")],
    [{ "input-encoding": "utf16" }, "ž😀", hexOf("ž😀", "utf16le")],
    [{ "input-encoding": "1200" }, "ž😀", hexOf("ž😀", "utf16le")],
    [{ "input-encoding": "1201" }, "ž", "017e"],
    [{ "input-encoding": "acp" }, "é€", "e980"],
    [{ "input-encoding": "1252" }, "é€", "e980"],
    [{ "input-encoding": "1250" }, "žř", "9ef8"],
    [{ "input-encoding": "852" }, "žř", "a7fd"],
    [{ "input-encoding": "437" }, "é", "82"],
    [{ "input-encoding": "866" }, "Ж", "86"],
    [{ "input-encoding": "28592" }, "žř", "bef8"],
    [{ "input-encoding": "932" }, "あ", "82a0"],
    [{ "input-encoding": "936" }, "你", "c4e3"],
    [{ "input-encoding": "949" }, "가", "b0a1"],
    [{ "input-encoding": "950" }, "你", "a741"],
    [{ codepage: "1250" }, "žř", "9ef8"],
    [{ codepage: "acp" }, "é", "e9"],
    [{ codepage: "utf16" }, "a", "6100"],
    [{ codepage: "utf8" }, "ž", hexOf("ž")],
    [{ codepage: "1250", "input-encoding": "852" }, "ž", "a7"],
    [{ codepage: "1250", "input-encoding": "utf8" }, "ž", hexOf("ž")],
  ] as const)("%j with %j gives %s", async (attributes, content, bytes) => {
    expect(await received(content, attributes)).toBe(bytes);
  });

  test.each([
    [{ "input-encoding": "hex" }, "abc"],
    [{ "input-encoding": "hex" }, "0g"],
    [{ "input-encoding": "hex" }, "0x41"],
    [{ "input-encoding": "base64" }, "QQ"],
    [{ "input-encoding": "base64" }, "Q-_="],
    [{ "input-encoding": "base64" }, "QQ==QQ=="],
    [{ "input-encoding": "1252" }, "ž or ж"],
    [{ codepage: "437" }, "€"],
    [{ codepage: "932" }, "😀"],
  ] as const)("%j cannot take %j: nothing is started", async (attributes, content) => {
    expect(await wrong(content, attributes)).toStartWith("input data: ");
  });

  test("what UTF-16 requests say arrives in the program's code page", async () => {
    const text = `<request><shell command="od -An -tx1" codepage="1250">${xmlText("žř")}</shell></request>`;
    const response = await postXml(server, new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le")));
    expect(readAnswers(await response.text())[0]?.output?.trim()).toBe("9e f8");
  });
});

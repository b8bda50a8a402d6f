// Contract flexideo, "encode" and "codepage": what a program writes comes back exactly, in each form.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Attributes, fetched, launch, type ShellAnswer, sh, shell } from "../support/flexideo.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** A program that writes these bytes to stdout and stderr; they come as input. */
function echo(bytes: Uint8Array | string, attributes: Attributes): Promise<ShellAnswer> {
  const content = Buffer.from(bytes).toString("base64");
  return shell(server, { command: "tee /dev/stderr", "input-encoding": "base64", ...attributes }, content);
}

/** Both outputs of it, which must be the same. */
async function both(bytes: Uint8Array | string, attributes: Attributes): Promise<ShellAnswer> {
  const answer = await echo(bytes, attributes);
  if (answer.status !== "ok") throw new Error(JSON.stringify(answer.attributes));
  const [output, error] = answer.children;
  expect({ ...error, name: "" }).toEqual({ ...output, name: "" } as typeof error & object);
  return answer;
}

const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const percent = (bytes: Uint8Array) =>
  [...bytes]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");

describe("hex, base64 and url", () => {
  test.each([
    ["hex", (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")],
    ["base64", (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")],
    ["url", percent],
  ] as const)("%s carries every byte, whatever the code page", async (encode, expected) => {
    for (const codepage of [null, "utf16", "1250", "932", "acp"]) {
      expect((await both(every, { encode, codepage })).output).toBe(expected(every));
    }
    for (const length of [0, 1, 2, 3, 4]) {
      const bytes = every.subarray(128, 128 + length);
      expect((await both(bytes, { encode })).output).toBe(expected(bytes));
    }
  });

  test("of an output of several pieces have no seams", async () => {
    const count = 400_001;
    const bytes = Buffer.alloc(count, "0123456789");
    for (const [encode, expected] of [
      ["base64", bytes.toString("base64")],
      ["hex", bytes.toString("hex")],
      ["url", bytes.toString()],
    ] as const) {
      const { output } = await shell(server, {
        command: sh(`yes 0123456789 | tr -d '\\n' | head -c ${count}`),
        encode,
      });
      expect(output === expected).toBe(true);
    }
  });
});

describe("xml", () => {
  test.each([
    ["a <b> & c ]]> \"'", "a <b> & c ]]> \"'"],
    ["\t\n\r\r\n", "\t\n\r\r\n"],
    ["\0\x01\x1b[1m\x7f", "\ufffd\ufffd\ufffd[1m\x7f"],
    ["\ufffe\uffff", "\ufffd\ufffd"],
    ["<a>x</a>", "<a>x</a>"],
    ["žluť 😀", "žluť 😀"],
    ["", ""],
  ])("%j is text: %j", async (written, text) => {
    const answer = await both(written, { encode: "xml" });
    expect([answer.output, answer.children[0]?.children]).toEqual([text, []]);
  });

  test("bytes that are no text become U+FFFD", async () => {
    const { output } = await both(Buffer.from("a\xff\xc3\xe2\x82b\xf0\x9f", "latin1"), { encode: "xml" });
    expect(output).toBe(new TextDecoder().decode(Buffer.from("a\xff\xc3\xe2\x82b\xf0\x9f", "latin1")));
  });
});

describe("codepage", () => {
  test.each([
    [null, "c5be", "ž"],
    ["utf8", "c5be", "ž"],
    ["65001", "c5be", "ž"],
    ["utf16", "7e01", "ž"],
    ["utf16", "fffe7e01", "ž"],
    ["utf16", "feff017e", "ž"],
    ["1200", "7e01", "ž"],
    ["1201", "017e", "ž"],
    ["acp", "e980", "é€"],
    ["1250", "9ef8", "žř"],
    ["852", "a7fd", "žř"],
    ["437", "82", "é"],
    ["850", "82", "é"],
    ["866", "86", "Ж"],
    ["1251", "c6", "Ж"],
    ["28592", "bef8", "žř"],
    ["932", "82a0", "あ"],
    ["936", "c4e3", "你"],
    ["949", "b0a1", "가"],
    ["950", "a741", "你"],
  ])("%s: %s is %s", async (codepage, hex, text) => {
    for (const encode of ["xml", "raw"]) {
      expect((await both(Buffer.from(hex, "hex"), { codepage, encode })).output).toBe(text);
    }
  });

  test.each([
    ["utf8", "printf '\\305'; sleep 0.1; printf '\\276'", "ž"],
    ["utf16", "printf '\\075\\330'; sleep 0.1; printf '\\000\\336'", "😀"],
    ["932", "printf '\\202'; sleep 0.1; printf '\\240'", "あ"],
    ["54936", "printf '\\224\\071\\374'; sleep 0.1; printf '\\066'", "😀"],
  ])("%s: a character split between two writes is decoded whole", async (codepage, script, text) => {
    expect(await shell(server, { command: sh(script), codepage, encode: "xml" })).toMatchObject({
      output: text,
    });
  });

  test("a character split between two pieces of a long output is decoded whole", async () => {
    for (const [codepage, character] of [
      ["utf8", "😀"],
      ["932", "あ"],
      ["utf16", "😀"],
    ] as const) {
      for (const before of ["", "a", "aa", "aaa"]) {
        const input = before + character.repeat(100_000);
        for (const encode of ["xml", "raw"]) {
          const answer = await shell(server, { command: "cat", codepage, encode }, input);
          expect(answer.output === input).toBe(true);
        }
      }
    }
  });

  test("and encode are those of the request that fetches", async () => {
    const id = await launch(server, "printf '\\236'", { encode: "hex", codepage: "437" });
    expect((await fetched(server, id, { codepage: "1250" })).output).toBe("ž");
    expect((await fetched(server, id, { encode: "hex" })).output).toBe("9e");
    expect((await fetched(server, id, { encode: "base64" })).output).toBe("ng==");
    expect((await fetched(server, id)).output).toBe("\ufffd");
  });
});

describe("what a job did not keep", () => {
  test("is told, with what there is", async () => {
    const forgetful = await startServer({ config: "[limits]\nkeptOutputBytes = 5\n" });
    const answer = await shell(forgetful, { command: "printf 0123456789" });
    expect(answer).toMatchObject({ status: "ok", output: "01234" });
    expect(answer.attributes.detail).toContain("stdout");
    expect((await shell(forgetful, { command: "printf 01234" })).attributes).not.toHaveProperty("detail");
  });
});

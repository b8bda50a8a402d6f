import { describe, expect, test } from "bun:test";
import { restingPlace } from "./escapes.ts";

const place = (text: string) => restingPlace(Buffer.from(text));

describe("a terminal that has got these waits for nothing:", () => {
  test.each([
    "",
    "text\r\n",
    "\x1b[1;31mred\x1b[0m",
    "\x1b[?1049h",
    "\x1b]0;title\x07",
    "\x1b]0;title\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1b_app\x1b\\",
    "\x1b(B",
    "\x1b7\x1b8",
    "\x1bM",
    "\x1b[31\x18text",
    "\x1b]0;title\x1atext",
    "ünïcödé €",
    "\u009b31mtext",
    "\u009d0;title\u009c",
    "\x1b[\x1b[1m",
  ])("%j", (text) => {
    expect(place(text)).toBe(Buffer.byteLength(text));
  });
});

describe("what is begun is left out:", () => {
  test.each([
    ["text", "\x1b"],
    ["text", "\x1b["],
    ["text\x1b[1m", "\x1b[38;2;1"],
    ["", "\x1b[?104"],
    ["a", "\x1b]0;tit"],
    ["a", "\x1b]0;title\x1b"],
    ["a", "\x1bPdata more"],
    ["a", "\x1b("],
    ["a", "\u009b31"],
    ["a", "\u009d0;title"],
    ["a", "\x1b[3\x1b["],
  ])("%j before %j", (whole, begun) => {
    expect(place(whole + begun)).toBe(Buffer.byteLength(whole));
  });

  test("a character, too", () => {
    const bytes = Buffer.from("a€");
    expect([1, 2, 3, 4].map((length) => restingPlace(bytes.subarray(0, length)))).toEqual([1, 1, 1, 4]);
  });
});

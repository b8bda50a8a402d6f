import { describe, expect, test } from "bun:test";
import { bytes, cut, duration, shellWords, visible } from "./text.ts";

describe("what a terminal would act upon is escaped:", () => {
  test.each([
    ["plain text, é€😀", "plain text, é€😀"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\u001b[2J\u0007", "\\e[2J\\x07"],
    ["\u009b31m\u007f", "\\x9b31m\\x7f"],
    ["\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"],
    ["\ud800", "\\ud800"],
  ])("%j", (text, shown) => expect(visible(text)).toBe(shown));
});

describe("cutting", () => {
  test.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["👩‍👩‍👧x", 2, "…"],
    ["abc", 1, "…"],
    ["abc", 0, ""],
  ])("%j to %i columns", (text, columns, shown) => expect(cut(text, columns)).toBe(shown));
});

test.each([
  [["ls", "-l", "/a b"], "ls -l '/a b'"],
  [["echo", "it's", "", "$x"], "echo 'it'\\''s' '' '$x'"],
])("the words %j", (words, shown) => expect(shellWords(words)).toBe(shown));

test.each([
  [0, "0s"],
  [0.34, "0.3s"],
  [59.4, "59s"],
  [61, "1m 1s"],
  [3_600, "1h"],
  [3_661, "1h 1m"],
  [90_000, "1d 1h"],
  [864_000, "10d"],
])("%p seconds", (seconds, shown) => expect(duration(seconds)).toBe(shown));

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [10 * 1_024 ** 3, "10 GiB"],
  [5_000 * 1_024 ** 4, "5000 TiB"],
])("%p bytes", (count, shown) => expect(bytes(count)).toBe(shown));

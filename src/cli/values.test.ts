import { describe, expect, test } from "bun:test";
import { byteCount, collectPair, seconds, wholeNumber } from "./values.ts";

describe("times", () => {
  test.each([
    ["30", 30],
    ["1.5s", 1.5],
    ["500ms", 0.5],
    ["5m", 300],
    ["2h", 7_200],
    ["7d", 604_800],
    ["0", 0],
  ])("%s", (text, value) => expect(seconds(text)).toBe(value));
  test.each(["", "s", "-1", "1e3", "5 m", "1w", ".5", "1h30m"])("not %j", (text) => {
    expect(() => seconds(text)).toThrow("time");
  });
});

describe("sizes", () => {
  test.each([
    ["1000", 1_000],
    ["64K", 65_536],
    ["10m", 10 * 1_024 ** 2],
    ["1GiB", 1_024 ** 3],
    ["2GB", 2 * 1_024 ** 3],
  ])("%s", (text, value) => expect(byteCount(text)).toBe(value));
  test.each(["", "K", "1.5G", "-1", "99999999999T", "1 K"])("not %j", (text) => {
    expect(() => byteCount(text)).toThrow("bytes");
  });
});

test("whole numbers in a range", () => {
  expect(wholeNumber(0, 255)("255")).toBe(255);
  for (const text of ["256", "-1", "1.0", "x", ""])
    expect(() => wholeNumber(0, 255)(text)).toThrow("0 to 255");
});

test("pairs", () => {
  expect(collectPair("b=2=3", { a: "1" })).toEqual({ a: "1", b: "2=3" });
  expect(collectPair("a=", { a: "1" })).toEqual({ a: "" });
  for (const text of ["a", "=1", ""]) expect(() => collectPair(text, undefined)).toThrow("NAME=VALUE");
});

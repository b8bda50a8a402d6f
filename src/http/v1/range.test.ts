import { describe, expect, test } from "bun:test";
import { assert, integer, option, property, string } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { type ByteRange, readRange } from "./range.ts";

function rangeOf(header: string | undefined, bytes: number): ByteRange | null | string {
  try {
    return readRange(header, bytes);
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
}

test.each([
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["bytes=0-9", 10, { start: 0, end: 10 }],
  ["bytes=3-", 10, { start: 3, end: 10 }],
  ["bytes=3-100", 10, { start: 3, end: 10 }],
  ["bytes=-1", 10, { start: 9, end: 10 }],
  ["bytes=-10", 10, { start: 0, end: 10 }],
  ["bytes=-11", 10, { start: 0, end: 10 }],
  [" bytes=1-2\t", 10, { start: 1, end: 3 }],
  ["bytes=10-", 10, "invalid-range"],
  ["bytes=0-", 0, "invalid-range"],
  ["bytes=-1", 0, "invalid-range"],
  ["bytes=-0", 10, "invalid-range"],
  [undefined, 10, null],
  ["", 10, null],
  ["bytes=-", 10, null],
  ["bytes=2-1", 10, null],
  ["bytes=0-1,2-3", 10, null],
  ["Bytes=0-1", 10, null],
  ["lines=0-1", 10, null],
  ["bytes=0-1000000000000000", 10, null],
] as const)("%j of %d bytes", (header, bytes, expected) => {
  expect(rangeOf(header, bytes)).toEqual(expected);
});

describe("any range", () => {
  const number = option(integer({ min: 0, max: 30 }), { nil: "" });

  test("is of bytes that are there, or refused", () => {
    assert(
      property(number, number, integer({ min: 0, max: 20 }), (first, last, bytes) => {
        const range = rangeOf(`bytes=${first}-${last}`, bytes);
        if (range === null || typeof range === "string") return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.end).toBeLessThanOrEqual(bytes);
      }),
    );
  });

  test("text is read, ignored or refused", () => {
    assert(
      property(string(), integer({ min: 0, max: 20 }), (text, bytes) => {
        expect([null, "invalid-range"]).toContain(rangeOf(text, bytes) as null);
      }),
    );
  });
});

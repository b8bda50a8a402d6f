import { describe, expect, test } from "bun:test";
import { assert, integer, property, string } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { beginning, decodeCursor, encodeCursor, nothingSeen } from "./cursor.ts";

function codeOf(text: string): string {
  try {
    decodeCursor(text);
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

describe("a cursor", () => {
  test("is what it was made from, in characters for a URL", () => {
    const count = integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).filter((value) => value < 1e15);
    assert(
      property(count, count, (stdout, stderr) => {
        const cursor = encodeCursor({ stdout, stderr });
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor(cursor)).toEqual({ stdout, stderr });
      }),
    );
    expect(decodeCursor(encodeCursor(beginning))).toEqual({ stdout: 0, stderr: 0 });
    expect(decodeCursor(nothingSeen)).toBeNull();
  });

  test.each(["", "-", "1", "1-", "-1", "1-2-3", " 1-2", "1-2 ", "1-2\n", "a-b", "1.5-2", "+1-2", "１-２"])(
    "%j is none",
    (text) => {
      expect(codeOf(text)).toBe("invalid-parameter");
    },
  );

  test("of numbers that no file has is none", () => {
    expect([codeOf(`${"9".repeat(15)}-0`), codeOf(`${"9".repeat(16)}-0`)]).toEqual([
      "none",
      "invalid-parameter",
    ]);
  });

  test("is read or refused, whatever it is", () => {
    assert(property(string(), (text) => ["none", "invalid-parameter"].includes(codeOf(text))));
  });
});

import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, string, uint8Array } from "fast-check";
import { Tail } from "./stderrTail.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function tailOf(capacity: number, ...texts: string[]): string {
  const tail = new Tail(capacity);
  for (const text of texts) tail.push(encode(text));
  return tail.text();
}

describe("a tail", () => {
  test.each([
    ["nothing", 4, [], ""],
    ["all of it", 4, ["ab", "cd"], "abcd"],
    ["the last bytes", 4, ["ab", "cd", "e"], "bcde"],
    ["the end of one chunk", 3, ["abcdef"], "def"],
    ["empty chunks as well", 3, ["", "ab", "", "cd", ""], "bcd"],
    ["nothing without room", 0, ["abc"], ""],
  ] as const)("holds %s", (_name, capacity, texts, expected) => {
    expect(tailOf(capacity, ...texts)).toBe(expected);
  });

  test("begins with a whole character", () => {
    // Four bytes each: what is left of a character that was cut is left out.
    for (let capacity = 4; capacity <= 12; capacity += 1) {
      const whole = "\ud83e\udd8a".repeat(Math.floor(capacity / 4));
      expect([capacity, tailOf(capacity, "\ud83e\udd8a".repeat(9))]).toEqual([capacity, whole]);
    }
  });

  test("joins a character that came in two chunks", () => {
    const bytes = encode("\u20ac");
    const tail = new Tail(10);
    for (const byte of bytes) tail.push(new Uint8Array([byte]));
    expect(tail.text()).toBe("\u20ac");
  });

  test("shows bytes that are no text as replacements, and fails on none", () => {
    const tail = new Tail(3);
    tail.push(new Uint8Array([0x61, 0xff, 0x62]));
    expect(tail.text()).toBe("a\ufffdb");
    assert(
      property(array(uint8Array({ maxLength: 20 })), integer({ min: 0, max: 50 }), (chunks, capacity) => {
        const own = new Tail(capacity);
        for (const chunk of chunks) own.push(chunk);
        expect(own.text().length).toBeLessThanOrEqual(capacity);
      }),
    );
  });

  test("is the end of what came, however it came", () => {
    const texts = array(string({ unit: "grapheme-ascii", maxLength: 30 }), { maxLength: 400 });
    assert(
      property(texts, integer({ min: 1, max: 200 }), (chunks, capacity) => {
        expect(tailOf(capacity, ...chunks)).toBe(chunks.join("").slice(-capacity));
      }),
    );
  });

  test("of very many tiny chunks is right", () => {
    const digits = Array.from({ length: 5_000 }, (_, index) => String(index % 10));
    expect(tailOf(1_000, ...digits)).toBe(digits.join("").slice(-1_000));
  });
});

import { describe, expect, test } from "bun:test";
import { isUtf8 } from "node:buffer";
import { assert, integer, property, string, uint8Array } from "fast-check";
import { incompleteTail, wholeCharacters } from "./wholeText.ts";

const bytes = (...values: number[]) => Uint8Array.of(...values);
const characters = ["a", "é", "☃", "🦊", "\u0000", "\uffff", "\u{10ffff}", "\ufeff"];

describe("a text that is cut", () => {
  test.each(characters.map((character) => [character]))("inside %j is whole up to there", (character) => {
    const encoded = Buffer.from(character);
    for (let cut = 1; cut < encoded.length; cut += 1) {
      expect(incompleteTail(encoded.subarray(0, cut))).toBe(cut);
      expect(wholeCharacters(encoded.subarray(0, cut))).toBe(0);
      const behind = Buffer.concat([Buffer.from("x☃"), encoded.subarray(0, cut)]);
      expect([incompleteTail(behind), wholeCharacters(behind)]).toEqual([cut, 4]);
    }
    expect([incompleteTail(encoded), wholeCharacters(encoded)]).toEqual([0, encoded.length]);
  });

  test("anywhere loses at most the character that is cut", () => {
    const text = string({ unit: "binary", maxLength: 40 });
    assert(
      property(text, integer({ min: 0, max: 200 }), (whole, at) => {
        const encoded = Buffer.from(whole);
        const cut = encoded.subarray(0, at % (encoded.length + 1));
        const length = wholeCharacters(cut);
        expect(whole.startsWith(cut.subarray(0, length).toString())).toBe(true);
        expect(cut.length - length).toBe(incompleteTail(cut));
        // No character more would have fitted.
        for (let more = length + 1; more <= cut.length; more += 1)
          expect(isUtf8(cut.subarray(0, more))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("bytes that are no text", () => {
  test.each([
    [bytes(0xff)],
    [bytes(0x80)],
    [bytes(0x61, 0xff, 0x61)],
    [bytes(0xc3, 0x28)],
    [bytes(0xc0, 0x80)],
    [bytes(0xed, 0xa0, 0x80)],
    [bytes(0xf4, 0x90, 0x80, 0x80)],
    [bytes(0xf5, 0x80, 0x80, 0x80)],
    [bytes(0xe2, 0x98, 0x61)],
  ])("have no whole characters: %p", (value) => {
    expect(wholeCharacters(value)).toBe(0);
  });

  test.each([
    [bytes(), 0],
    [bytes(0x80, 0x80, 0x80, 0x80), 0],
    [bytes(0xc1), 0],
    [bytes(0xf5), 0],
    [bytes(0xff, 0xe2), 1],
    [bytes(0xf0, 0x9f, 0xa6, 0x8a), 0],
    [bytes(0xf0, 0x9f, 0xa6), 3],
  ])("end in as much of a character as there is: %p", (value, length) => {
    expect(incompleteTail(value)).toBe(length);
  });

  test("of any kind: what is told to be text is text", () => {
    assert(
      property(uint8Array({ maxLength: 12 }), (value) => {
        const length = wholeCharacters(value);
        expect(isUtf8(value.subarray(0, length))).toBe(true);
        if (isUtf8(value)) expect(length).toBe(value.length);
        expect(incompleteTail(value)).toBeLessThanOrEqual(3);
      }),
      { numRuns: 5_000 },
    );
  });
});

import { describe, expect, test } from "bun:test";
import { assert, integer, property, string } from "fast-check";
import { decodeRecord, emptyRecord, encodeRecord } from "./fixedRecord.ts";

const size = 64;
/** Checksum, blank and line end take ten bytes. */
const longest = "x".repeat(size - 10);

describe("a record", () => {
  test.each(["", "x", "two words", "\u00e9\u20ac\ud83e\udd8a", longest])("holds %p", (text) => {
    const block = encodeRecord(text, size);
    expect([block.byteLength, decodeRecord(block, size)]).toEqual([size, text]);
  });

  test("is a line of text that begins with its checksum", () => {
    expect(Buffer.from(encodeRecord("hello", 32)).toString()).toMatch(/^[0-9a-f]{8} hello {17}\n$/);
  });

  test("holds any text that fits", () => {
    assert(
      property(string({ unit: "binary", maxLength: 150 }), (text) => {
        const json = JSON.stringify(text);
        expect(decodeRecord(encodeRecord(json, 1024), 1024)).toBe(json);
      }),
    );
  });

  test("that does not fit is refused, by its bytes and not by its characters", () => {
    expect(() => encodeRecord(`${longest}x`, size)).toThrow("too long");
    expect(() => encodeRecord("\u20ac".repeat(20), size)).toThrow("61 bytes");
  });
});

describe("what is no whole record says nothing", () => {
  test("the empty block", () => {
    const empty = emptyRecord(size);
    expect([empty.byteLength, decodeRecord(empty, size)]).toEqual([size, null]);
  });

  test("a record that was cut, at every byte", () => {
    const block = encodeRecord(longest, size);
    for (let length = 0; length < size; length += 1) {
      expect([length, decodeRecord(block.subarray(0, length), size)]).toEqual([length, null]);
      // Nor is a short one taken for a whole one of its own size.
      expect([length, decodeRecord(block.subarray(0, length), length)]).toEqual([length, null]);
    }
    expect(decodeRecord(Buffer.concat([block, Buffer.from(" ")]), size)).toBeNull();
  });

  test.each([
    ["an empty block", emptyRecord(size)],
    ["another record", encodeRecord("what was there before", size)],
    ["zeros", new Uint8Array(size)],
  ])("a write that was torn over %s, at every byte", (_name, before) => {
    const text = "the new text, as long as it gets";
    const after = encodeRecord(text, size);
    for (let written = 0; written < size; written += 1) {
      const torn = Buffer.concat([after.subarray(0, written), before.subarray(written)]);
      // The last bytes may have been the same before: then nothing is torn.
      const whole = torn.equals(after) ? text : torn.equals(before) ? decodeRecord(before, size) : null;
      expect([written, decodeRecord(torn, size)]).toEqual([written, whole]);
    }
  });

  test("a record with any one byte changed", () => {
    assert(
      property(integer({ min: 0, max: size - 1 }), integer({ min: 1, max: 255 }), (at, change) => {
        const block = encodeRecord("some text", size);
        block[at] = (block[at] ?? 0) ^ change;
        expect(decodeRecord(block, size)).toBeNull();
      }),
    );
  });
});

test("a record is read wherever it stands in its buffer", () => {
  const block = encodeRecord("here", size);
  const within = new Uint8Array(3 * size);
  within.set(block, size + 5);
  expect(decodeRecord(within.subarray(size + 5, 2 * size + 5), size)).toBe("here");
});

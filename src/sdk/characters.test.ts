import { expect, test } from "bun:test";
import fc from "fast-check";
import { Characters } from "./characters.ts";

const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** Bytes that are mostly on the edge of being characters. */
const oddBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(..."aä€😀\u{feff}\u{10ffff}").map((one) => [...Buffer.from(one)]),
      fc.constantFrom(0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff).map((byte) => [byte]),
      fc.integer({ min: 0, max: 255 }).map((byte) => [byte]),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => Uint8Array.from(pieces.flat()));

test("the texts of the pieces are the text of the whole, wherever it is divided", () => {
  fc.assert(
    fc.property(oddBytes, fc.array(fc.nat(6), { minLength: 1 }), (bytes, lengths) => {
      const characters = new Characters();
      const texts: string[] = [];
      for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
        const piece = bytes.subarray(at, at + Math.max(1, lengths[turn % lengths.length] ?? 1));
        at += piece.byteLength;
        texts.push(characters.take(piece, null)());
      }
      expect(texts.join("") + characters.rest()).toBe(decode(bytes));
    }),
  );
});

test("whole characters wait for nothing", () => {
  const characters = new Characters();
  const whole = Buffer.from("a😀");
  expect(characters.take(whole, null)()).toBe("a😀");
  expect(characters.take(whole, "a😀")()).toBe("a😀");
  expect(characters.rest()).toBe("");
});

test("a character waits for its end, and is given once", () => {
  const characters = new Characters();
  const [first, second] = [Buffer.from("€").subarray(0, 1), Buffer.from("€").subarray(1)];
  const before = characters.take(first, null);
  const after = characters.take(second, null);
  expect([after(), before(), after()]).toEqual(["€", "", "€"]);
});

test("known text behind an unfinished character", () => {
  const characters = new Characters();
  expect(characters.take(Uint8Array.of(0xe2, 0x82), null)()).toBe("");
  expect(characters.take(Buffer.from("ä"), "ä")()).toBe("\ufffdä");
});

test("after an interruption nothing is put together", () => {
  const characters = new Characters();
  characters.take(Uint8Array.of(0xe2, 0x82), null);
  characters.interrupt();
  expect(characters.take(Uint8Array.of(0xac), null)()).toBe("\ufffd\ufffd");
  characters.take(Uint8Array.of(0xe2), null);
  expect([characters.rest(), characters.rest()]).toEqual(["\ufffd", ""]);
});

import { describe, expect, test } from "bun:test";
import { joined } from "./bytes.ts";
import { ConnectionError } from "./errors.ts";
import { MessageReader, maskedFrame, opcode } from "./socketFrames.ts";

/** A frame as a server writes it. */
function frame(first: number, payload: Uint8Array): Uint8Array {
  const { byteLength } = payload;
  const head =
    byteLength < 126
      ? Uint8Array.of(first, byteLength)
      : byteLength < 65_536
        ? Uint8Array.of(first, 126, byteLength >> 8, byteLength & 0xff)
        : Uint8Array.of(
            first,
            127,
            0,
            0,
            0,
            0,
            byteLength >>> 24,
            byteLength >>> 16,
            byteLength >>> 8,
            byteLength,
          );
  return joined([head, payload]);
}

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, at) => at % 251);

describe("messages", () => {
  test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])("of %d bytes come whole, in any pieces", (count) => {
    const whole = joined([frame(0x82, bytes(count)), frame(0x82, Uint8Array.of(7))]);
    for (const size of [1, 3, 1_000, whole.byteLength]) {
      const reader = new MessageReader();
      const found = [];
      // Single bytes of large ones only at both ends, where it matters.
      for (let at = 0; at < whole.byteLength; ) {
        const isEdge = at < 20 || at > whole.byteLength - 20;
        const length = isEdge ? Math.min(size, 20) : Math.max(size, 5_000);
        found.push(...reader.read(whole.subarray(at, at + length)));
        at += length;
      }
      expect(found.map(({ payload }) => payload.byteLength)).toEqual([count, 1]);
      expect(found[0]?.payload).toEqual(bytes(count));
    }
  });

  test("in several frames are put together, with control frames between", () => {
    const reader = new MessageReader();
    const found = [
      [0x02, [1, 2]],
      [0x89, [9]],
      [0x00, [3]],
      [0x80, [4]],
    ].flatMap(([first, payload]) => reader.read(frame(Number(first), Uint8Array.from(payload as number[]))));
    expect(found).toEqual([
      { opcode: opcode.ping, payload: Uint8Array.of(9) },
      { opcode: opcode.binary, payload: Uint8Array.of(1, 2, 3, 4) },
    ]);
  });

  test.each([
    ["with bits that were not agreed on", Uint8Array.of(0xc2, 0)],
    ["with a mask", Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 1)],
    ["of control, in pieces", Uint8Array.of(0x09, 0)],
    ["of control, too long", Uint8Array.of(0x89, 126, 1, 0)],
    ["that go on without a begin", Uint8Array.of(0x80, 0)],
    ["that begin within another", Uint8Array.of(0x02, 0, 0x82, 0)],
    ["too long", Uint8Array.of(0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0)],
  ])("%s are refused", (_, wrong) => {
    expect(() => new MessageReader().read(wrong)).toThrow(ConnectionError);
  });
});

test.each([0, 125, 126, 65_535, 65_536])("a frame of %d bytes is masked, and says its length", (count) => {
  const written = maskedFrame(opcode.binary, bytes(count));
  expect([written[0], (written[1] ?? 0) & 0x80]).toEqual([0x82, 0x80]);
  const start = written.byteLength - count;
  const mask = written.subarray(start - 4, start);
  const plain = written.subarray(start).map((byte, at) => byte ^ (mask[at & 3] ?? 0));
  expect(plain).toEqual(bytes(count));
  const unmasked = joined([
    written.subarray(0, start - 4).map((byte, at) => (at === 1 ? byte & 0x7f : byte)),
    plain,
  ]);
  expect(new MessageReader().read(unmasked)).toEqual([{ opcode: opcode.binary, payload: bytes(count) }]);
});

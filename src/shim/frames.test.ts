import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Frame, FrameError, FrameReader, givenFrame, inputFrame, messageFrame } from "./frames.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const frames = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("message" as const), message: fc.object({ maxDepth: 2 }) }),
    fc.record({
      kind: fc.constant("input" as const),
      writer: fc.string({ unit: "grapheme", maxLength: 20 }),
      bytes,
    }),
    fc.record({ kind: fc.constant("given" as const), bytes }),
  ),
  { maxLength: 8 },
);

function encode(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case "message":
      return messageFrame(frame.message as object);
    case "input":
      return inputFrame(frame.writer, frame.bytes);
    case "given":
      return givenFrame(frame.bytes);
  }
}

/** As JSON has it: what it cannot hold is not sent. */
const sent = (frame: Frame) =>
  frame.kind === "message" ? { ...frame, message: JSON.parse(JSON.stringify(frame.message)) } : frame;

describe("frames", () => {
  test("come as they were sent, wherever they are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(40), { minLength: 1 }), (all, cuts) => {
        const whole = Buffer.concat(all.map(encode));
        const reader = new FrameReader();
        const received: Frame[] = [];
        const piece = new Uint8Array(64);
        for (let at = 0, turn = 0; at < whole.byteLength; turn += 1) {
          const length = Math.min(1 + (cuts[turn % cuts.length] ?? 0), whole.byteLength - at);
          // The same memory each time, as a socket may have it.
          piece.set(whole.subarray(at, at + length));
          received.push(...reader.push(piece.subarray(0, length)));
          at += length;
        }
        const plain = (list: readonly Frame[]) =>
          list.map((frame) => ("bytes" in frame ? { ...frame, bytes: [...frame.bytes] } : frame));
        expect(plain(received)).toEqual(plain(all.map(sent)));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["no length", [0, 0, 0, 0]],
    ["more than any message has", [1, 0, 0, 255]],
    ["a kind that is not known", [1, 0, 0, 0, 9]],
    ["a message that is no JSON", [2, 0, 0, 0, 1, 0x7b]],
    ["a name that is cut", [3, 0, 0, 0, 2, 200, 65]],
  ])("with %s are refused", (_name, wrong) => {
    expect(() => new FrameReader().push(Uint8Array.from(wrong))).toThrow(FrameError);
  });
});

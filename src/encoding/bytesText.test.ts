import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ByteTextEncoder,
  base64Encoder,
  decodeBase64,
  decodeHex,
  hexEncoder,
  urlEncoder,
} from "./bytesText.ts";
import { EncodingError } from "./errors.ts";

const encoders = [
  ["hex", hexEncoder],
  ["base64", base64Encoder],
  ["url", urlEncoder],
] as const;

test.each(encoders)("%s: bytes cut anywhere give the same text", (_, create) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 })), (pieces) => {
      const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
      expect(encoded(create(), pieces)).toBe(encoded(create(), [whole]));
    }),
  );
});

test("base64 does not keep the caller's buffer", () => {
  const encoder = base64Encoder();
  const buffer = Uint8Array.of(1, 2, 3, 4);
  const start = encoder.write(buffer);
  buffer.fill(9);
  expect(start + encoder.end()).toBe("AQIDBA==");
});

test("the runtime agrees", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(encoded(hexEncoder(), [bytes])).toBe(Buffer.from(bytes).toString("hex"));
      expect(encoded(base64Encoder(), [bytes])).toBe(Buffer.from(bytes).toString("base64"));
      expect(decodeHex(encoded(hexEncoder(), [bytes]))).toEqual(bytes);
      expect(decodeBase64(encoded(base64Encoder(), [bytes]))).toEqual(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const url = encoded(urlEncoder(), [new TextEncoder().encode(text)]);
      expect(decodeURIComponent(url)).toBe(text);
      expect(url).toMatch(/^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/);
    }),
  );
});

describe("percent-encoding", () => {
  test("keeps the unreserved characters alone", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const kept = encoded(urlEncoder(), [all]).replace(/%[0-9A-F]{2}/g, "");
    expect(kept).toBe("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");
    expect(encoded(urlEncoder(), [Uint8Array.of(0, 0x20, 0x2b, 0xff)])).toBe("%00%20%2B%FF");
  });
});

describe("decoding", () => {
  test("passes over white space", () => {
    expect(decodeHex(" 0a\t0B\r\n0 c ")).toEqual(Uint8Array.of(10, 11, 12));
    expect(decodeBase64(" AQ\n ID B\tA= = ")).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(decodeHex(" ")).toEqual(new Uint8Array());
    expect(decodeBase64("")).toEqual(new Uint8Array());
  });

  test.each([
    ["0g", 1],
    ["0", 1],
    ["0 a 0", 5],
    ["00\u00A000", 2],
    ["00 0x00", 4],
    ["00😀", 2],
  ])("hex %j is wrong at %d", (text, position) => {
    expect(positionOf(() => decodeHex(text))).toBe(position);
  });

  test.each([
    ["AQ", 2],
    ["A", 1],
    ["AQ=", 3],
    ["AQID=", 4],
    ["A===", 1],
    ["AQ===", 4],
    ["=", 0],
    ["AQ==AQ==", 4],
    ["AQ=B", 3],
    ["AR==", 1],
    ["AQJ=", 2],
    ["AQ-_", 2],
    ["AQ\u00A0==", 2],
    ["AQID😀", 4],
  ])("base64 %j is wrong at %d", (text, position) => {
    expect(positionOf(() => decodeBase64(text))).toBe(position);
  });

  test("any text is bytes or an error with a position in it", () => {
    const alphabets = [fc.string({ unit: fc.constantFrom(..."AQg/+= \n-0") }), fc.string({ unit: "binary" })];
    fc.assert(
      fc.property(fc.oneof(...alphabets), (text) => {
        for (const decode of [decodeHex, decodeBase64]) {
          const position = positionOf(() => decode(text));
          if (position !== null) expect(position).toBeWithin(0, text.length + 1);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test("2 MiB take linear time", () => {
  const bytes = new Uint8Array(2 * 1_024 * 1_024).fill(0xfe);
  const started = performance.now();
  for (const [, create] of encoders) encoded(create(), [bytes]);
  expect(decodeHex("fe ".repeat(bytes.length))).toEqual(bytes);
  expect(decodeBase64(bytes.toBase64())).toEqual(bytes);
  expect(positionOf(() => decodeBase64(`${"AQID\n".repeat(400_000)}!`))).toBe(2_000_000);
  expect(performance.now() - started).toBeLessThan(5_000);
});

function encoded(encoder: ByteTextEncoder, pieces: readonly Uint8Array[]): string {
  return pieces.map((piece) => encoder.write(piece)).join("") + encoder.end();
}

function positionOf(decode: () => unknown): number | null {
  try {
    decode();
    return null;
  } catch (error) {
    if (error instanceof EncodingError) return error.position;
    throw error;
  }
}

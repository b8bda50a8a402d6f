import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, nat, property, tuple } from "fast-check";
import { ErrandError } from "../core/errors.ts";
import type { OutputStream } from "../core/ports.ts";
import { OrderIndex } from "./orderIndex.ts";

const kinds = { stdout: 1n, stderr: 2n, stdoutCut: 3n, stderrCut: 4n } as const;

/** The records of a timeline; times do not count here. */
function timeline(entries: readonly (readonly [keyof typeof kinds, number])[]): Uint8Array {
  const records = new BigUint64Array(2 * entries.length);
  for (const [index, [kind, bytes]] of entries.entries()) {
    records[2 * index] = 1n;
    records[2 * index + 1] = (kinds[kind] << 56n) | BigInt(bytes);
  }
  return new Uint8Array(records.buffer);
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

describe("an order", () => {
  const index = new OrderIndex();
  index.add(
    timeline([
      ["stdout", 3],
      ["stdout", 2],
      ["stderr", 4],
      ["stdoutCut", 0],
      ["stdout", 1],
    ]),
  );

  test.each([
    [{ stdout: 0, stderr: 0 }, "stdout", 5],
    [{ stdout: 4, stderr: 0 }, "stdout", 1],
    [{ stdout: 5, stderr: 0 }, "stderr", 4],
    [{ stdout: 5, stderr: 3 }, "stderr", 1],
    [{ stdout: 5, stderr: 4 }, "stdout", 1],
  ] as const)("at %p goes on with %s", (position, stream, bytes) => {
    expect(index.at(position)).toEqual({ stream, bytes, complete: true });
  });

  test("has an end, and nothing behind it", () => {
    expect([index.bytes, index.at({ stdout: 6, stderr: 4 }), index.at({ stdout: 6, stderr: 9 })]).toEqual([
      10,
      null,
      null,
    ]);
  });

  test.each([
    { stdout: 0, stderr: 1 },
    { stdout: 4, stderr: 1 },
    { stdout: 6, stderr: 0 },
    { stdout: 6, stderr: 3 },
    { stdout: 0, stderr: 10 },
    { stdout: 10, stderr: 0 },
    { stdout: 5, stderr: 5 },
  ])("never was at %p", (position) => {
    expect(codeOf(() => index.at(position))).toBe("invalid-parameter");
  });
});

test("lengths of more than 32 bits are whole", () => {
  const index = new OrderIndex();
  const large = 2 ** 40 + 7;
  index.add(
    timeline([
      ["stderr", large],
      ["stdout", 1],
    ]),
  );
  expect(index.bytes).toBe(large + 1);
  expect(index.at({ stdout: 0, stderr: 0 })).toEqual({ stream: "stderr", bytes: large, complete: true });
  expect(index.at({ stdout: 0, stderr: large })?.stream).toBe("stdout");
});

test("any timeline leads from its begin to its end, in the order in which it was noted, however it is read", () => {
  const entry = tuple(constantFrom("stdout" as const, "stderr" as const), integer({ min: 1, max: 5 }));
  assert(
    property(array(entry, { maxLength: 300 }), nat(40), (entries, chunk) => {
      const index = new OrderIndex();
      for (let at = 0; at < entries.length; at += chunk + 1)
        index.add(timeline(entries.slice(at, at + chunk + 1)));
      const position: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
      let found = "";
      for (let stretch = index.at(position); stretch !== null; stretch = index.at(position)) {
        // One byte at a time: every place is one where a client may have stopped.
        position[stretch.stream] += 1;
        found += stretch.stream === "stdout" ? "o" : "e";
      }
      expect(found).toBe(
        entries.map(([stream, bytes]) => (stream === "stdout" ? "o" : "e").repeat(bytes)).join(""),
      );
    }),
    { numRuns: 200 },
  );
});

test("a million records are read in a moment", () => {
  const records = new BigUint64Array(2_000_000);
  for (let at = 0; at < records.length; at += 2)
    records[at + 1] = ((at / 2) % 2 === 0 ? kinds.stdout << 56n : kinds.stderr << 56n) | 100n;
  const index = new OrderIndex();
  const bytes = new Uint8Array(records.buffer);
  const began = performance.now();
  index.add(bytes);
  const spent = performance.now() - began;
  expect(index.at({ stdout: 25_000_000, stderr: 25_000_000 })?.bytes).toBe(100);
  // 10 ms on an idle machine; ten times as much would be a different way of reading.
  expect(spent).toBeLessThan(1_000);
});

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { DigestIndex } from "./digestIndex.ts";

const digest = (text: string) => createHash("sha256").update(text).digest();

test("finds each value by its digest, and by no other", () => {
  const index = new DigestIndex<number>();
  for (let number = 0; number < 100; number += 1) index.set(digest(String(number)), number);
  for (let number = 0; number < 100; number += 1) expect(index.find(digest(String(number)))).toBe(number);
  for (const other of ["", "100", "01"]) expect(index.find(digest(other))).toBeNull();
  expect(index.find(Buffer.alloc(0))).toBeNull();
  expect(index.find(digest("1").subarray(1))).toBeNull();
});

test("one that was deleted is found no more, the others are", () => {
  const index = new DigestIndex<string>();
  index.set(digest("a"), "first");
  index.set(digest("b"), "b");
  index.set(digest("a"), "second");
  expect(index.find(digest("a"))).toBe("second");
  index.delete(digest("a"));
  index.delete(digest("c"));
  expect([index.find(digest("a")), index.find(digest("b"))]).toEqual([null, "b"]);
});

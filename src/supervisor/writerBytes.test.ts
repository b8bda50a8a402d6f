import { describe, expect, test } from "bun:test";
import { inputWriters, WriterBytes } from "./writerBytes.ts";

describe("what each writer has written", () => {
  test("is counted apart", () => {
    const writers = new WriterBytes();
    writers.add("one", 3);
    writers.add("two", 5);
    writers.add("one", 4);
    expect([writers.of("one"), writers.of("two"), writers.of("nobody")]).toEqual([7, 5, 0]);
    expect(writers.entries().at(-1)).toEqual(["one", 7]);
  });

  test("is forgotten of the one that has been silent longest", () => {
    const writers = new WriterBytes();
    for (let number = 0; number < inputWriters; number += 1) writers.add(`writer ${number}`, 1);
    writers.add("writer 0", 1);
    writers.add("one more", 1);
    expect([writers.of("writer 0"), writers.of("writer 1"), writers.of("writer 2")]).toEqual([2, 0, 1]);
    expect(writers.entries()).toHaveLength(inputWriters);
  });
});

import { describe, expect, test } from "bun:test";
import type { OutputEvent } from "../sdk/eventTypes.ts";
import { TailBuffer } from "./tailBuffer.ts";

function tail(count: number, pieces: readonly string[]): string {
  const buffer = new TailBuffer(count);
  for (const piece of pieces) buffer.add(event(piece));
  return buffer
    .take()
    .map(({ bytes }) => new TextDecoder().decode(bytes))
    .join("");
}

function event(text: string): OutputEvent {
  return { type: "stdout", cursor: "", offset: 0, bytes: new TextEncoder().encode(text), text };
}

describe("the last lines, however they came:", () => {
  const lines = "one\ntwo\n\nfour\n";
  const whole = [[lines], [...lines], ["one\ntw", "o\n\nfo", "ur\n"], ["one\n", "two\n", "\n", "four\n"]];
  test.each(whole)("%j", (...pieces) => {
    expect([0, 1, 2, 3, 4, 9].map((count) => tail(count, pieces))).toEqual([
      "",
      "four\n",
      "\nfour\n",
      "two\n\nfour\n",
      lines,
      lines,
    ]);
  });
});

test("a last line without an end is a line", () => {
  expect([0, 1, 2].map((count) => tail(count, ["one\ntw", "o"]))).toEqual(["", "two", "one\ntwo"]);
});

test("nothing has no lines", () => {
  expect(tail(5, [])).toBe("");
});

test("a line that never ends takes no more than some memory", () => {
  const piece = "x".repeat(1024 * 1024);
  expect(
    tail(
      1,
      Array.from({ length: 40 }, () => piece),
    ).length,
  ).toBe(16 * 1024 * 1024);
});

// A rule that cannot fail is none: what the suite says about tables of flags that are not right.
import { expect, test } from "bun:test";
import { flagFaults, knownFlags } from "./flags.ts";

const all = Object.fromEntries(Object.keys(knownFlags).map((name) => [name, true]));

test("a whole table is right, with reasons for what is off", () => {
  expect(flagFaults(all)).toEqual([]);
  expect(flagFaults({ ...all, stdin: "the protocol has no place for it" })).toEqual([]);
});

test.each([
  [{ ...all, stdinn: true }, "stdinn: no flag of that name is known"],
  [{ ...all, toString: "off" }, "toString: no flag of that name is known"],
  [{ ...all, stdin: "" }, "stdin: it is on (true), or off with a reason"],
  [{ ...all, stdin: false }, "stdin: it is on (true), or off with a reason"],
  [{ ...all, stdin: undefined }, "stdin: it is on (true), or off with a reason"],
])("%#: one that is not right is told", (table, fault) => {
  expect(flagFaults(table)).toEqual([fault]);
});

test("a flag that is left out is told", () => {
  const { stdin: _, ...others } = all;
  expect(flagFaults(others)).toEqual(["stdin: the table says nothing of it"]);
});

import { expect, test } from "bun:test";
import { isIgnored } from "./ignoredSignals.ts";

test("the mask of the kernel is read bit by bit", () => {
  const status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000007\nSigCgt:\t0000000000004000\n";
  expect(
    (["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const).map((name) => isIgnored(name, status)),
  ).toEqual([true, true, true, false]);
  expect(isIgnored("SIGHUP", "")).toBe(false);
});

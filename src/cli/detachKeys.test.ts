import { describe, expect, test } from "bun:test";
import { InvalidArgumentError } from "commander";
import { DetachWatch, detachKeys } from "./detachKeys.ts";

/** What is passed on of the pieces, and in which of them the keys were found. */
function typed(keys: string, ...pieces: string[]): { passed: string; at: number | null } {
  const watch = new DetachWatch(detachKeys(keys));
  let passed = "";
  for (const [index, piece] of pieces.entries()) {
    const taken = watch.take(Buffer.from(piece, "latin1"));
    passed += Buffer.from(taken.passed).toString("latin1");
    if (taken.isDetached) return { passed, at: index };
  }
  return { passed, at: null };
}

describe("the keys that detach", () => {
  test.each([
    ["ctrl-p,ctrl-q", [16, 17]],
    ["CTRL-P", [16]],
    ["ctrl-],q", [29, 113]],
    ["ctrl-@,ctrl-_", [0, 31]],
    ["a,~,.", [97, 126, 46]],
    ["none", []],
  ])("%s", (text, bytes) => {
    expect(detachKeys(text)).toEqual(bytes);
  });

  test.each(["", "ctrl-", "ctrl-1", "ab", "a,,b", "ctrl-p,é", "a,b,c,d,e,f,g,h,i"])("not %p", (text) => {
    expect(() => detachKeys(text)).toThrow(InvalidArgumentError);
  });

  test("are found in any pieces, and what stands before them is passed on", () => {
    expect(typed("ctrl-p,ctrl-q", "ls\x10\x11")).toEqual({ passed: "ls", at: 0 });
    expect(typed("ctrl-p,ctrl-q", "ls\x10", "\x11")).toEqual({ passed: "ls", at: 1 });
    expect(typed("a,a,b", "xaaab")).toEqual({ passed: "xa", at: 0 });
    expect(typed("a,b,a,c", "ababac")).toEqual({ passed: "ab", at: 0 });
  });

  test("are passed on when others follow", () => {
    expect(typed("ctrl-p,ctrl-q", "\x10", "\x10", "x\x11")).toEqual({ passed: "\x10\x10x\x11", at: null });
    expect(typed("none", "\x10\x11")).toEqual({ passed: "\x10\x11", at: null });
  });
});

import { expect, test } from "bun:test";
import { TerminalModes } from "./terminalModes.ts";

function undoing(...written: string[]): string {
  const modes = new TerminalModes();
  for (const text of written) modes.watch(Buffer.from(text));
  return modes.undo();
}

test("what was set is undone, and nothing else", () => {
  expect(undoing("plain \x1b[31mred")).toBe("");
  expect(undoing("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7h")).toBe("\x1b[?1049l\x1b[?2004l\x1b[?25h\x1b[m");
  expect(undoing("\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l")).toBe("");
  expect(undoing("\x1b[?1000;1006h\x1b[?1000l")).toBe("\x1b[?1006l\x1b[m");
  expect(undoing("\x1b=\x1b[?1h")).toBe("\x1b[?66l\x1b[?1l\x1b[m");
  expect(undoing("\x1b=\x1b>")).toBe("");
});

test("keyboards that were asked for are given back", () => {
  expect(undoing("\x1b[>1u\x1b[>5u\x1b[<u")).toBe("\x1b[<1u\x1b[m");
  expect(undoing("\x1b[>4;2m")).toBe("\x1b[>4m\x1b[m");
  expect(undoing("\x1b[>4;2m\x1b[>4m")).toBe("");
});

test("sequences are found in any pieces, and not within strings", () => {
  expect(undoing(..."\x1b[?1049h")).toBe("\x1b[?1049l\x1b[m");
  expect(undoing("\x1b]0;[?1049h\x07")).toBe("");
});

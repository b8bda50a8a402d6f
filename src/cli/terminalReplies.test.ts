import { expect, test } from "bun:test";
import { withoutReplies } from "./terminalReplies.ts";

const left = (typed: string) => Buffer.from(withoutReplies(Buffer.from(typed))).toString();

test.each([
  "\x1b[?1;2c",
  "\x1b[>41;330;0c",
  "\x1b[0n",
  "\x1b[12;40R",
  "\x1b[?2004;1$y",
  "\x1b[8;24;80t",
  "\x1b[I",
  "\x1b]11;rgb:0000/0000/0000\x1b\\",
  "\x1b]52;c;aGk=\x07",
  "\x1bP1$r0m\x1b\\",
  "\x1bP>|xterm(380)\x1b\\",
  "\x1b_Gi=31;OK\x1b\\",
])("%p is what a terminal says", (reply) => {
  expect(left(`a${reply}b${reply}`)).toBe("ab");
});

test("what is typed stays", () => {
  const keys = "ls é\r\x1b[A\x1b[1;5C\x1bOP\x1b[15~\x1b[200~pasted\x1b[201~\x1b\x03";
  expect(left(keys)).toBe(keys);
});

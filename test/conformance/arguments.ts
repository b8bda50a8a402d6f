import { expect } from "bun:test";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

/** What every way in can hand on. */
const plainOdd = [
  "",
  " ",
  "a b",
  "'",
  '"',
  "'\\''",
  "$HOME",
  "$(id)",
  "`id`",
  "\\",
  "\\n",
  "*",
  "~",
  "-n",
  "--",
  "-c",
  ";",
  "&&",
  "|",
  "> /dev/null",
  "# no comment",
  "!",
  "%s",
  "a=b",
  "\n",
  "\t",
  "\r\n",
  "é€😀",
  "\u202e",
];
/** Where any character can stand in a request. */
const odd = [...plainOdd, "\u0001\u007f"];
const print = `for one in "$@"; do printf '%s\\0' "$one"; done`;

/** Arguments reach the program as they are; for a shell they are quoted. */
export function callArguments(stage: Stage): void {
  const printed = async (...args: readonly string[]) => {
    const { told } = await stage.run({ command: ["sh", "-c", print, "sh", ...args] });
    return textOf(told.stdout).split("\0").slice(0, -1);
  };

  stage.behaviour("odd ones arrive as they are", [], async () => {
    const all = stage.has("anyText") ? odd : plainOdd;
    expect(await printed(...all)).toEqual(all);
  });

  stage.behaviour("none are none, and an empty one is one", [], async () => {
    expect(await printed()).toEqual([]);
    expect(await printed("")).toEqual([""]);
  });

  stage.behaviour("many and long ones arrive", [], async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `argument ${index}`);
    expect(await printed(...many)).toEqual(many);
    const long = "0123456789".repeat(6_000);
    expect(await printed(long, "end")).toEqual([long, "end"]);
  });

  stage.behaviour("no shell looks at them", ["argv"], async () => {
    const { told } = await stage.run({ command: ["echo", "$HOME", "*", "a;b", "`id`"] });
    expect(textOf(told.stdout)).toBe("$HOME * a;b `id`\n");
  });

  stage.behaviour("the program hears the name by which it was called", ["argv"], async () => {
    const { told } = await stage.run({ command: ["sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline"] });
    expect(textOf(told.stdout)).toStartWith("sh -c ");
  });

  stage.behaviour("a line is the shell's", [], async () => {
    const { told } = await stage.run({
      command: `set -- a 'b c'; echo "$# $2" | tr bc BC; (exit 3) || echo $?`,
    });
    expect(textOf(told.stdout)).toBe("2 B C\n3\n");
  });

  stage.behaviour("a line of many lines is one command", [], async () => {
    const { told } = await stage.run({
      command: "# comment\nfor i in 1 2\ndo\n  echo $i\ndone\ncat <<END\nlast\nEND\n",
    });
    expect(textOf(told.stdout)).toBe("1\n2\nlast\n");
  });
}

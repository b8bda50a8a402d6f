import { describe, expect, test } from "bun:test";
import { array, assert, property, string } from "fast-check";
import { splitCommandLine } from "../../encoding/commandLine.ts";
import { CommandLines, joinCommandLine } from "./commandLines.ts";

describe("a line for arguments", () => {
  test.each([
    [["ls", "-l", "/tmp/a.b"], "ls -l /tmp/a.b"],
    [["echo", "", "a b", "it's"], "echo '' 'a b' 'it'\\''s'"],
    [["a", "$HOME", "*", "\n"], "a '$HOME' '*' '\n'"],
  ])("%j is %j", (command, line) => {
    expect(joinCommandLine(command)).toBe(line);
  });

  test("is split into them again", () => {
    assert(
      property(array(string({ unit: "binary" }), { minLength: 1 }), (command) => {
        expect(splitCommandLine(joinCommandLine(command))).toEqual(command);
      }),
    );
  });
});

describe("lines as requested", () => {
  test("are told, and one of the same meaning for jobs that are not known", () => {
    const lines = new CommandLines();
    lines.remember("1", 'echo  "a"', ["echo", "a"]);
    lines.remember("2", "echo a", ["echo", "a"]);
    expect(lines.of("1", ["echo", "a"])).toBe('echo  "a"');
    expect(lines.of("2", ["echo", "a"])).toBe("echo a");
    expect(lines.of("3", ["echo", "a b"])).toBe("echo 'a b'");
  });

  test("take a bounded place: the oldest go", () => {
    const lines = new CommandLines();
    const long = `echo ${"x".repeat(1024 * 1024)}  `;
    for (let id = 1; id <= 20; id += 1) lines.remember(String(id), long, ["echo"]);
    expect(lines.of("20", ["echo"])).toBe(long);
    expect(lines.of("1", ["echo"])).toBe("echo");
  });
});

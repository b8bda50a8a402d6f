import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { splitCommandLine } from "./commandLine.ts";
import { CommandLineError } from "./errors.ts";

describe("splitting", () => {
  test.each([
    ["", []],
    [" \t\n ", []],
    ["ls", ["ls"]],
    ["  ls  -l\t/tmp\n", ["ls", "-l", "/tmp"]],
    ["a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]],
    ["''", [""]],
    [`a '' "" b`, ["a", "", "", "b"]],
    [`a''b""c`, ["abc"]],
    [`'it'\\''s'`, ["it's"]],
    [`'a\\b"c$d'`, [`a\\b"c$d`]],
    ['"a\\"b\\\\c\\$d\\`e"', ['a"b\\c$d`e']],
    ['"a\\nb\\\'c\\ d"', ["a\\nb\\'c\\ d"]],
    ["a\\\\b \\'c \\\"d \\n", ["a\\b", "'c", '"d', "n"]],
    // Nothing is expanded, and no shell is involved.
    [
      "echo $HOME `id` *.c ~ a|b > c; d & # e",
      ["echo", "$HOME", "`id`", "*.c", "~", "a|b", ">", "c;", "d", "&", "#", "e"],
    ],
    // There are no continued lines: a backslash escapes whatever follows.
    ["a\\\nb", ["a\nb"]],
    ['"a\\\nb"', ["a\\\nb"]],
    ["a\rb", ["a\rb"]],
    ["a\u00A0b", ["a\u00A0b"]],
    ["\\😀 😀", ["😀", "😀"]],
    [String.raw`C:\\dir\\prog.exe "C:\Program Files\x"`, ["C:\\dir\\prog.exe", "C:\\Program Files\\x"]],
  ])("%j", (line, words) => {
    expect(splitCommandLine(line)).toEqual(words);
  });

  test.each([
    ["'", 0],
    ["a 'b", 2],
    ['a"b c', 1],
    ['"a\\"', 0],
    ['"a\\', 0],
    ["'a' 'b", 4],
    ["a\\", 1],
    ["\\", 0],
    ["ab \\\\\\", 5],
  ])("%j is an error at %d", (line, position) => {
    const failure = failureOf(line);
    expect(failure?.position).toBe(position);
    expect(failure?.message).toContain(`at ${position} `);
  });
});

test("what is quoted in any way comes back", () => {
  const word = fc.tuple(
    fc.string({
      unit: fc.oneof(
        fc.constantFrom(..."'\"\\ $`\n"),
        fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
      ),
    }),
    fc.nat(2),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const line = words.map(([text, way]) => quoted(text, way)).join(" ");
      expect(splitCommandLine(line)).toEqual(words.map(([text]) => text));
    }),
  );
});

test("any line is words or an error", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a'\"\\ $\n") }), (line) => {
      const failure = failureOf(line);
      if (failure === null) expect(splitCommandLine(line).join("").length).toBeLessThanOrEqual(line.length);
      else expect(`'"\\`).toContain(line.charAt(failure.position));
    }),
    { numRuns: 2_000 },
  );
});

test("2 MB take linear time", () => {
  const started = performance.now();
  for (const part of ["a", "a ", "''", '"\\""', "\\ ", "'a'\"b\"", '"\\x" '])
    splitCommandLine(part.repeat(Math.floor(2_000_000 / part.length)));
  expect(failureOf(`"${'\\"'.repeat(1_000_000)}`)?.position).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
});

function quoted(text: string, way: number): string {
  if (way === 0) return `'${text.replaceAll("'", `'\\''`)}'`;
  if (way === 1) return `"${text.replace(/["\\$`]/g, "\\$&")}"`;
  return text === "" ? '""' : text.replace(/[\s\S]/g, "\\$&");
}

function failureOf(line: string): CommandLineError | null {
  try {
    splitCommandLine(line);
    return null;
  } catch (error) {
    if (error instanceof CommandLineError) return error;
    throw error;
  }
}

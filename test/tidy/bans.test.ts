// A rule that cannot fail is none: the bans of test/tidy.test.ts against small examples.

import { describe, expect, test } from "bun:test";
import { bannedUses } from "./bans.ts";
import { importsOf } from "./imports.ts";
import { layers, parse } from "./parse.ts";

describe("bans", () => {
  const found = async (path: string, text: string) => {
    const files = await parse({ [path]: text });
    return bannedUses(files, importsOf(files));
  };

  test.each([
    ["src/supervisor/a.ts", 'import { spawn } from "node:child_process";', "the supervisor"],
    ["src/http/a.ts", 'import { spawn as s } from "bun";', "the supervisor"],
    ["src/http/a.ts", 'Bun.spawn(["true"]);', "the supervisor"],
    ["src/http/a.ts", "process.kill(1);", "the supervisor"],
    ["src/http/a.ts", "child?.kill();", "the supervisor"],
    ["src/core/a.ts", "const at = Date.now();", "the clock port"],
    ["src/core/a.ts", "const at = performance.now();", "the clock port"],
    ["src/core/a.ts", "const at = new Date();", "the clock port"],
    ["src/core/a.ts", "const at = new Date;", "the clock port"],
    ["src/core/a.ts", "Bun.gc(true);", "a port"],
    ["src/spool/a.ts", 'import { open, watch } from "node:fs/promises";', "inotify"],
    ["src/spool/a.ts", 'fs.watch("a");', "inotify"],
    ["src/store/a.ts", 'console.log("a");', "the log"],
    ["src/store/a.ts", "const home = process.env.HOME;", "the configuration"],
    ["src/store/a.ts", 'throw "a";', "an Error"],
    ["src/store/a.ts", `throw \`a \${b}\`;`, "an Error"],
    ["test/a.ts", "const a = b as any;", "unknown"],
    ["bench/a.ts", "// @ts-ignore\na();", "a type"],
    ["test/a.test.ts", 'test.only("a", () => {});', "a test that runs"],
    ["test/a.test.ts", 'describe.skip("a", () => {});', "a test that runs"],
    ["test/a.test.ts", 'test.todo("a");', "a test that runs"],
  ])("in %s: %s", async (path, text, instead) => {
    const findings = await found(path, text);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toStartWith(`${path}:1: `);
    expect(findings[0]).toContain(`but ${instead}`);
  });

  test.each([
    ["src/supervisor/a.ts", "process.kill(-1); Bun.spawn([]); process.env.PATH;"],
    ["src/core/a.ts", "const at = new Date(clock.wall()); this.process.stop(0);"],
    ["src/core/a.ts", 'const a = "Date.now()"; /* Date.now() */ const b = /Date.now()/; // Date.now()'],
    ["src/core/a.ts", `const a = \`Date.now() \${b} Date.now() \${c} Date.now()\`;`],
    ["src/core/a.ts", 'const a = "// no comment"; const b = "it\'s `new Date()`";'],
    ["src/serve.ts", 'console.log("Errand listens");'],
    ["test/a.ts", "// as any\nconst at = Date.now();"],
  ])("no false alarm in %s: %s", async (path, text) => {
    expect(await found(path, text)).toEqual([]);
  });

  test("code inside a template and after odd characters is seen, with its line", async () => {
    const findings = await found("src/core/a.ts", `const a = "é😀";\nconst b = \`😀 \${Date.now()} x\`;`);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toStartWith("src/core/a.ts:2: Date.now ");
  });

  test("code and comments are separated, every line in its place", async () => {
    const [file] = await parse({ "a.ts": 'f("//x"); // say "hi"\n/* a\nb */ g(/[/]*"/, `y`);' });
    if (file === undefined) throw new Error("nothing was parsed");
    const { code, comments } = layers(file);
    expect(code.split("\n").map((line) => line.trimEnd())).toEqual([
      'f("   ");',
      "",
      "     g(/     /, ` `);",
    ]);
    expect(comments.split("\n").map((line) => line.trim())).toEqual(['// say "hi"', "/* a", "b */"]);
  });
});

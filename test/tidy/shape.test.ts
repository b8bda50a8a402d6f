// A rule that cannot fail is none: the rules about files of test/tidy.test.ts against small examples.

import { describe, expect, test } from "bun:test";
import { blamed } from "./files.ts";
import { importsOf } from "./imports.ts";
import { parse } from "./parse.ts";
import { barrels, cycles, tooLong, undocumented } from "./shape.ts";

describe("shape", () => {
  test("cycles are found, in any length, and not among types", async () => {
    const imports = importsOf(
      await parse({
        "src/a.ts": 'import "./b.ts";',
        "src/b.ts": 'export { c } from "./c";',
        "src/c.ts": 'import "./a.ts"; import "./d.ts";',
        "src/d.ts": 'import type { C } from "./c.ts"; import "./self.ts";',
        "src/self.ts": 'import "./self.ts";',
      }),
    );
    expect(cycles(imports)).toEqual([
      "src/a.ts → src/b.ts → src/c.ts → src/a.ts",
      "src/self.ts → src/self.ts",
    ]);
  });

  test("barrels are found", async () => {
    const files = await parse({
      "src/all.ts": 'export * from "./a.ts";\nexport type { B } from "./b.ts";',
      "src/roundabout.ts": 'import { a } from "./a.ts";\nexport { a };',
      "src/named.ts": 'export * from "./a.ts";',
      "src/module.ts": 'import "./a.ts";\nexport {};',
      "src/real.ts": 'export * from "./a.ts";\nexport const b = 1;',
    });
    expect(blamed(barrels(files, ["src/named.ts"]))).toEqual(["src/all.ts", "src/roundabout.ts"]);
  });

  test("long files are found", () => {
    expect(blamed(tooLong({ "a.ts": "1\n2\n3\n", "b.ts": "1\n2\n3\n4\n" }, 3))).toEqual(["b.ts"]);
  });

  test("missing doc comments are found", async () => {
    const bad = [
      "function a() {}",
      "class B {}",
      "const c = () => 1;",
      "async function d() {}",
      "default function () {}",
    ];
    for (const text of bad) {
      expect(undocumented(await parse({ "a.ts": `// No doc comment.\nexport ${text}` }))).toHaveLength(1);
      expect(undocumented(await parse({ "a.ts": `/** Doc. */\n\nexport ${text}` }))).toHaveLength(1);
      expect(
        undocumented(await parse({ "a.ts": `/** Doc. */\n// For the linter.\nexport ${text}` })),
      ).toEqual([]);
    }
    expect(undocumented(await parse({ "a.ts": "function a() {}\nexport { a };" }))).toHaveLength(1);
    expect(undocumented(await parse({ "a.ts": "function a() {}\nexport const b = a();" }))).toEqual([]);
  });
});

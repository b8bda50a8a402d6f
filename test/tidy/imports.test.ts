// A rule that cannot fail is none: the import rules of test/tidy.test.ts against small examples.

import { describe, expect, test } from "bun:test";
import { blamed, type Files } from "./files.ts";
import { forbiddenImports, unknownFolders } from "./import-rules.ts";
import { importsOf } from "./imports.ts";
import { parse } from "./parse.ts";

describe("imports", () => {
  const forbidden = async (files: Files) => forbiddenImports(importsOf(await parse(files)));

  test.each([
    ["core reads a file", "src/core/a.ts", 'import "node:fs";'],
    ["core uses the runtime", "src/core/a.ts", 'import { sql } from "bun";'],
    ["core uses a package", "src/core/a.ts", 'import { z } from "zod";'],
    ["core knows a type of the store", "src/core/a.ts", 'import type { A } from "../store/a.ts";'],
    ["core names a type in place", "src/core/a.ts", 'export type A = import("../store/a.ts").A;'],
    ["core loads later", "src/core/a.ts", 'export const a = await import("../store/a.ts");'],
    ["core re-exports", "src/core/a.ts", 'export * from "../store/a.ts";'],
    ["a door knows the store", "src/http/rexec/a.ts", 'import { a } from "../../store/a.ts";'],
    ["a door knows another", "src/http/rexec/a.ts", 'import { a } from "../v1/a.ts";'],
    ["the server knows a door", "src/http/server.ts", 'import { a } from "./v1/a.ts";'],
    ["the store knows the supervisor", "src/store/a.ts", 'import { a } from "../supervisor/a.ts";'],
    ["encoding knows the core", "src/encoding/a.ts", 'import { a } from "../core/a.ts";'],
    ["protocol uses the core at run time", "src/protocol/a.ts", 'import { a } from "../core/a.ts";'],
    ["protocol loads for a type", "src/protocol/a.ts", 'import { type A } from "../core/a.ts";'],
    ["the SDK needs the runtime", "src/sdk/a.ts", 'import "node:net";'],
    ["the command line knows the broker", "src/cli/a.ts", 'import { a } from "../core/broker.ts";'],
    ["source needs a test's helper", "src/store/a.ts", 'import { a } from "../../test/support/a.ts";'],
    ["a folder knows the composition", "src/http/server.ts", 'import { a } from "../main.ts";'],
  ])("refused: %s", async (_, path, text) => {
    expect(blamed(await forbidden({ [path]: text }))).toEqual([path]);
  });

  test("allowed ones pass", async () => {
    const files = {
      "src/core/a.ts": 'import { b } from "./b.ts"; // import "node:fs"',
      "src/core/a.test.ts": 'import { test } from "bun:test";',
      "src/store/a.ts": 'import { Database } from "bun:sqlite"; import { b } from "../core/b.ts";',
      "src/http/rexec/a.ts":
        'import { b } from "../auth.ts"; import { c } from "../../encoding/c.ts"; import "./d.ts";',
      "src/protocol/a.ts": 'import type { A } from "../core/a.ts"; import { z } from "zod";',
      "src/cli/a.ts": 'import { a } from "../core/limits.ts"; import type { B } from "../core/errors.ts";',
      "src/main.ts": 'import { a } from "./http/server.ts"; import { b } from "./serve.ts";',
    };
    expect(await forbidden(files)).toEqual([]);
  });

  test("a new folder must be added to the table", () => {
    const found = unknownFolders([
      "src/core/a.ts",
      "src/helpers/a.ts",
      "src/http/new/a.ts",
      "src/tools.ts",
      "src/text.d.ts",
      "src/main.ts",
    ]);
    expect(blamed(found)).toEqual(["src/helpers", "src/tools.ts"]);
    expect(found[0]).toContain("test/tidy/import-rules.ts");
  });
});

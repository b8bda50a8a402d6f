// Rules about the project itself. The tests in test/tidy/ show that each of them can fail.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bannedUses } from "./tidy/bans.ts";
import { deadLinks, errorTableDifferences } from "./tidy/docs.ts";
import { readRepository, repositoryFiles, root } from "./tidy/files.ts";
import { forbiddenImports, unknownFolders } from "./tidy/import-rules.ts";
import { importsOf } from "./tidy/imports.ts";
import { parse } from "./tidy/parse.ts";
import { privateContent } from "./tidy/private.ts";
import { barrels, cycles, tooLong, undocumented } from "./tidy/shape.ts";

/** The only files that may consist of re-exports. */
/** The entry of the package @errand/sdk. */
const namedBarrels: readonly string[] = ["src/sdk/index.ts"];

const mostLines = 300;

const code = await parse(readRepository(/^(?:src|test|bench|scripts)\/.*\.tsx?$/));
const source = code.filter(({ path }) => path.startsWith("src/"));
const shipped = source.filter(({ path }) => !path.endsWith(".test.ts"));
const imports = importsOf(code);
const sourceImports = imports.filter(({ path }) => path.startsWith("src/"));

describe("source", () => {
  test("folders import only what the table allows", () => {
    expect(forbiddenImports(sourceImports)).toEqual([]);
  });

  test("every folder has a row in the table", () => {
    expect(source).not.toBeEmpty();
    expect(unknownFolders(source.map(({ path }) => path))).toEqual([]);
  });

  test("no import cycles", () => {
    expect(cycles(imports)).toEqual([]);
  });

  test("no files of re-exports but the named ones", () => {
    expect(barrels(code, namedBarrels)).toEqual([]);
    expect(namedBarrels.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("nothing banned is used", () => {
    expect(bannedUses(code, imports)).toEqual([]);
  });

  // `node:util` alone takes 3 ms and 0.3 MiB of each shim, `node:crypto` and `node:zlib` 9 ms.
  test("small processes load few modules of the runtime", async () => {
    const entrypoints = ["src/shim/entry.ts", "src/supervisor/watchdogMain.ts"].map((path) =>
      join(root, path),
    );
    const { outputs } = await Bun.build({ entrypoints, target: "bun" });
    const texts = await Promise.all(outputs.map((output) => output.text()));
    const modules = texts.flatMap((text) => [
      ...text.matchAll(/\bfrom "([^"]+)"|\b(?:import|require)\("([^"]+)"\)/g),
    ]);
    expect(new Set(modules.map(([, from, call]) => from ?? call))).toEqual(
      new Set(["bun:ffi", "fs", "path"]),
    );
  });

  test(`no file has more than ${mostLines} lines`, () => {
    const files = Object.fromEntries(source.map(({ path, text }) => [path, text]));
    expect(tooLong(files, mostLines)).toEqual([]);
  });

  test("exported functions and classes have a doc comment", () => {
    expect(undocumented(shipped)).toEqual([]);
  });
});

describe("documentation", () => {
  test("explains every error code, and no other", async () => {
    const module: Record<string, unknown> = await import(join(root, "src/core/errors.ts"));
    const codes = Object.keys(Object(module.errorTable));
    expect(codes).not.toBeEmpty();
    const page = readFileSync(join(root, "docs/errors.md"), "utf8");
    expect(errorTableDifferences(codes, page)).toEqual([]);
  });

  test("lists every limit with its default and its range", async () => {
    const { limitTable } = await import("../src/core/limits.ts");
    const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
    const documented = [...page.matchAll(/^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) – ([\d.]+) \|/gm)];
    const rows = documented.map(([, name, ...numbers]) => [name, ...numbers.map(Number)]);
    const limits = Object.entries(limitTable);
    expect(rows).toEqual(limits.map(([name, limit]) => [name, limit.default, limit.min, limit.max]));
  });

  test("has no dead links", () => {
    const pages = readRepository(/\.md$/);
    expect(pages).not.toBeEmptyObject();
    expect(deadLinks(pages, (path) => existsSync(join(root, path)))).toEqual([]);
  });
});

describe("repository", () => {
  test("names no path of this machine and no registry", () => {
    expect(repositoryFiles()).toContain("package-lock.json");
    expect(privateContent(readRepository(/./), root)).toEqual([]);
  });
});

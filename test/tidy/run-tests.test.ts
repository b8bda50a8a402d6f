// The runner behind `npm test`, on small projects: nothing that goes wrong may count as success.

import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Files, root } from "./files.ts";

const projects: string[] = [];
afterAll(() => {
  for (const project of projects) rmSync(project, { recursive: true });
});

/** Runs the runner on a project of these files; the two tools are stand-ins that succeed. */
async function run(files: Files, ...filters: string[]) {
  const project = mkdtempSync(join(tmpdir(), "errand runner "));
  projects.push(project);
  const tools = { "node_modules/typescript/bin/tsc": "", "node_modules/@biomejs/biome/bin/biome": "" };
  for (const [path, text] of Object.entries({ ...tools, ...files })) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  mkdirSync(join(project, "scripts"));
  cpSync(join(root, "scripts/run-tests.ts"), join(project, "scripts/run-tests.ts"));
  const command = [
    process.execPath,
    "--config=/dev/null",
    "--no-env-file",
    "scripts/run-tests.ts",
    ...filters,
  ];
  const child = Bun.spawn(command, { cwd: project, stderr: "pipe" });
  const [stdout, code] = await Promise.all([child.stdout.text(), child.exited, child.stderr.text()]);
  return { code, sum: stdout.trimEnd().split("\n").at(-1) };
}

const good = 'import { test } from "bun:test"; test("good", () => {});';
const bad = 'import { test } from "bun:test"; test("bad", () => { throw new Error("bad"); });';
// Written so that the ban on tests that do not run sees only a string.
const skipping = 'import { test } from "bun:test"; test.skip("later", () => {}); test("good", () => {});';

test("counts the type check, the lint and the tests of both folders", async () => {
  const files = { "src/a.test.ts": good, "test/deep/b.test.ts": good, "bench/c.test.ts": bad };
  expect(await run(files)).toEqual({ code: 0, sum: "4 passed, 0 failed" });
});

test("counts those that run beside the others as well", async () => {
  const [waiting, other] = ["test/contract/v1-behind-nginx.test.ts", "test/a.test.ts"];
  expect(await run({ [waiting]: good, [other]: good })).toEqual({ code: 0, sum: "4 passed, 0 failed" });
  expect(await run({ [waiting]: bad, [other]: good })).toEqual({ code: 1, sum: "3 passed, 1 failed" });
});

test("skipped tests are told", async () => {
  expect(await run({ "test/a.test.ts": skipping })).toEqual({
    code: 0,
    sum: "3 passed, 0 failed, 1 skipped",
  });
});

test("filters choose files", async () => {
  const files = { "test/a/one.test.ts": good, "test/b/two.test.ts": bad };
  expect(await run(files, "test/a")).toEqual({ code: 0, sum: "3 passed, 0 failed" });
});

test.each<[string, Files, string]>([
  ["a test fails", { "test/a.test.ts": bad }, "2 passed, 1 failed"],
  ["there is no test", { "test/a.ts": "" }, "2 passed, 1 failed"],
  ["a file has no tests", { "test/a.test.ts": good, "test/b.test.ts": "" }, "3 passed, 1 failed"],
  ["a file cannot be loaded", { "test/a.test.ts": good, "test/b.test.ts": "throw 1;" }, "3 passed, 1 failed"],
  [
    "a file ends the process",
    { "test/a.test.ts": good, "test/b.test.ts": "process.exit(0);" },
    "3 passed, 1 failed",
  ],
  ["the only file ends the process", { "test/a.test.ts": "process.exit(0);" }, "2 passed, 1 failed"],
  [
    "the type check fails",
    { "test/a.test.ts": good, "node_modules/typescript/bin/tsc": "process.exit(2)" },
    "2 passed, 1 failed",
  ],
  [
    "the lint fails",
    { "test/a.test.ts": good, "node_modules/@biomejs/biome/bin/biome": "process.exit(1)" },
    "2 passed, 1 failed",
  ],
])("fails when %s", async (_, files, sum) => {
  expect(await run(files)).toEqual({ code: 1, sum });
});

test("fails when a filter matches nothing", async () => {
  expect(await run({ "test/a.test.ts": good }, "no/such")).toEqual({ code: 1, sum: "2 passed, 1 failed" });
});

// The table of `npm run soak` and docs/reliability.md tell the same, and what is asked for wrongly is refused.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { rows } from "./rows.ts";

const root = resolve(import.meta.dir, "../..");
const page = readFileSync(join(root, "docs/reliability.md"), "utf8");
const due = Array.from({ length: 22 }, (_, index) => `R${index + 1}`);

/** The cells of the page's table, row by row. */
const cells = page
  .split("\n")
  .filter((line) => /^\| R\d+ \|/.test(line))
  .map((line) => line.slice(2, -2).split(" | "));

describe("the rows", () => {
  test("are all of R1 to R22, each once, with tests that are there", () => {
    expect(rows.map(({ row }) => row).sort()).toEqual([...due].sort());
    const files = rows.flatMap((row) => row.files);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test("stand in docs/reliability.md as they are, in their order", () => {
    for (const { row, promise, how, short, full } of rows) {
      const told = cells[due.indexOf(row)] ?? [];
      expect(told.slice(0, 5)).toEqual([row, promise, how, short, full]);
    }
    expect(cells.map((row) => row.length)).toEqual(due.map(() => 8));
  });
});

describe("npm run soak", () => {
  test.each([
    [["R23"], "R23 is no row: R1 "],
    [["--scale", "2"], "2 is no number above 0, at most 1"],
    [["--minutes", "none"], "none is no number above 0"],
  ])("refuses %j", async (args, reason) => {
    const command = [process.execPath, "--config=/dev/null", "--no-env-file", "test/soak/run.ts", ...args];
    const child = Bun.spawn(command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const [output, errors, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    expect([code, output]).toEqual([2, ""]);
    expect(errors).toStartWith(reason);
    expect(errors).toContain("--beside ROW");
  });
});

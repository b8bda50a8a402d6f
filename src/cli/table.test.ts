import { expect, test } from "bun:test";
import { fields, table } from "./table.ts";

const titles = [{ title: "ID" }, { title: "SIZE", align: "right" as const }, { title: "COMMAND" }];

test("columns are as wide as their widest cell, and lines end with their text", () => {
  const rows = [
    ["1", "5", "ls"],
    ["22", "1000", ""],
  ];
  expect(table(titles, rows, null)).toBe("ID  SIZE  COMMAND\n1      5  ls\n22  1000\n");
});

test("on a terminal lines are cut to its width, elsewhere they are whole", () => {
  const rows = [["1", "5", "x".repeat(100)]];
  const lines = table(titles, rows, 20).trimEnd().split("\n");
  expect(lines.map(({ length }) => length)).toEqual([17, 20]);
  expect(lines[1]).toEndWith("x…");
  expect(table(titles, rows, null)).toContain("x".repeat(100));
});

test("a row is a line whatever it holds, and no tab parts its cells", () => {
  const text = table(titles, [["1", "5", "a\nb\tc\u001b[31m"]], null);
  expect(text).toBe("ID  SIZE  COMMAND\n1      5  a\\nb\\tc\\e[31m\n");
});

test("wide characters take two columns", () => {
  expect(
    table(
      [{ title: "A" }, { title: "B" }],
      [
        ["日", "x"],
        ["ab", "y"],
      ],
      null,
    ),
  ).toBe("A   B\n日  x\nab  y\n");
});

test("fields stand below each other", () => {
  expect(
    fields([
      ["a", "1"],
      ["long", "2\n"],
    ]),
  ).toBe("a     1\nlong  2\\n\n");
});

import { cut, visible, widthOf } from "./text.ts";

const gap = "  ";

/** One column: what stands above it, and whether it may be cut when the terminal is too narrow. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/**
 * Rows under their titles. With `columns` (of a terminal) each line is cut to them; without, for programs, nothing is
 * cut. Control characters are escaped either way, so that a line is a row.
 */
export function table(
  titles: readonly Column[],
  rows: readonly (readonly string[])[],
  columns: number | null,
): string {
  const lines = [titles.map(({ title }) => title), ...rows.map((row) => row.map(visible))];
  const widths = titles.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ""))));
  return lines
    .map((line) => {
      const cells = line.map((cell, index) => pad(cell, widths[index] ?? 0, titles[index]?.align));
      const text = cells.join(gap).trimEnd();
      return `${columns === null ? text : cut(text, columns)}\n`;
    })
    .join("");
}

function pad(cell: string, width: number, align: "right" | undefined): string {
  const blank = " ".repeat(Math.max(0, width - widthOf(cell)));
  return align === "right" ? blank + cell : cell + blank;
}

/** Names and values below each other. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => widthOf(name)));
  return rows.map(([name, value]) => `${pad(name, width, undefined)}${gap}${visible(value)}\n`).join("");
}

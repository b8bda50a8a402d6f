import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { resolve } from "node:path";
import { type Row, rows } from "./rows.ts";
import type { Effort, Result } from "./try-row.ts";

const page = resolve(import.meta.dir, "../../docs/reliability.md");
const marks = { begin: "<!-- soak:begin -->", end: "<!-- soak:end -->" };
const heading = [
  "",
  "promise",
  "how it is tried",
  "in `npm test`",
  "in the soak",
  "date",
  "machine",
  "result",
];
/** Date, machine and result of a row that has not been recorded. */
const nothing = ["–", "–", "not recorded"];

/** Writes the results into the table of docs/reliability.md; rows that were not tried keep what is there. */
export function record(results: readonly Result[], effort: Effort): void {
  const text = readFileSync(page, "utf8");
  const [from, to] = [text.indexOf(marks.begin), text.indexOf(marks.end)];
  if (from < 0 || to < from) throw new Error(`docs/reliability.md has no ${marks.begin} and ${marks.end}`);
  const before = earlier(text.slice(from, to));
  const byRow = new Map(results.map((result) => [result.row.row, recorded(result, effort)]));
  const lines = [...rows].sort(byNumber).map((row) => {
    const { promise, how, short, full } = row;
    const last = byRow.get(row.row) ?? before.get(row.row) ?? nothing;
    return line([row.row, promise, how, short, full, ...last]);
  });
  const table = [line(heading), line(heading.map(() => "---")), ...lines].join("\n");
  writeFileSync(page, `${text.slice(0, from)}${marks.begin}\n${table}\n${text.slice(to)}`);
}

/** The last three cells of each row. */
function earlier(table: string): Map<string, string[]> {
  const found = table.split("\n").filter((text) => /^\| R\d+ \|/.test(text));
  return new Map(
    found.map((text) => {
      const cells = text.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, ""));
      return [cells[0] ?? "", cells.slice(-nothing.length)];
    }),
  );
}

function recorded({ passed, counts }: Result, { scale }: Effort): string[] {
  const cores = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const machine = `${cores.length} × ${cores[0]?.model.trim() ?? "unknown"}, ${memory}, ${type()} ${release()}`;
  const share = scale === 1 ? "" : ` (at ${scale} of the full count)`;
  const result = `${passed ? "holds" : "**does not hold**"}${share}: ${counts.join("; ")}`;
  return [new Date().toISOString().slice(0, 10), machine, result.replaceAll("|", "/")];
}

function byNumber(one: Row, other: Row): number {
  return Number(one.row.slice(1)) - Number(other.row.slice(1));
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

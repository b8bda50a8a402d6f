// `npm run soak`: the rows of docs/reliability.md at their full counts. Ends with 1 when one of them does not hold.
import { parseArgs } from "node:util";
import { record } from "./record.ts";
import { type Row, rows } from "./rows.ts";
import { minutesOf, type Result, tryRow } from "./try-row.ts";

const usage = `npm run soak -- [R1 R3 …] [--scale 0.1] [--minutes 20] [--beside R19] [--record]

  --scale N      of the full counts, never less than those of npm test (default 1)
  --minutes N    how long R19 takes (default 20)
  --beside ROW   try this row at the same time as all the others
  --record       write the results into docs/reliability.md`;

const options = {
  scale: { type: "string", default: "1" },
  minutes: { type: "string", default: "20" },
  beside: { type: "string" },
  record: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

process.exit(await main());

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const effort = {
    scale: number(values.scale, 1),
    minutes: number(values.minutes, Number.POSITIVE_INFINITY),
  };
  const beside = values.beside === undefined ? null : find(values.beside);
  const wanted = positionals.length === 0 ? rows : positionals.map(find);
  const inTurn = wanted.filter((row) => row !== beside);
  const sum = inTurn.reduce((all, row) => all + minutesOf(row, effort), 0);
  const estimate = Math.max(sum, beside === null ? 0 : minutesOf(beside, effort));
  console.log(`${inTurn.length + (beside === null ? 0 : 1)} rows, about ${Math.ceil(estimate)} minutes`);

  const results: Result[] = [];
  const attempt = async (row: Row) => {
    const result = await tryRow(row, effort);
    results.push(result);
    tell(result);
  };
  const other = beside === null ? null : attempt(beside);
  for (const row of inTurn) await attempt(row);
  await other;
  if (values.record) record(results, effort);
  const failed = results.filter(({ passed }) => !passed).map(({ row }) => row.row);
  const end = failed.length === 0 ? "all hold" : `${failed.join(", ")} failed, see test-results/soak`;
  console.log(`${results.length} rows: ${end}`);
  return failed.length === 0 ? 0 : 1;
}

function tell({ row, passed, counts, seconds }: Result): void {
  const verdict = passed ? "holds" : "FAILED";
  console.log(
    `${row.row.padEnd(4)} ${verdict.padEnd(7)} ${seconds.toFixed(0).padStart(5)} s  ${row.promise}`,
  );
  for (const text of counts) console.log(`${" ".repeat(22)}${text}`);
}

function find(name: string): Row {
  const row = rows.find((one) => one.row === name.toUpperCase());
  if (row === undefined) return refuse(`${name} is no row: ${rows.map((one) => one.row).join(" ")}`);
  return row;
}

function number(text: string, most: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= most))
    return refuse(`${text} is no number above 0${most === 1 ? ", at most 1" : ""}`);
  return value;
}

function refuse(reason: string): never {
  console.error(`${reason}\n\n${usage}`);
  process.exit(2);
}

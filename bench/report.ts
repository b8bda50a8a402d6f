import { median } from "./statistics.ts";

/** One subject of a measure with a value for each round. */
export interface Row {
  readonly name: string;
  readonly values: readonly number[];
  /** More that was seen in the same runs, already written out. */
  readonly extra?: string;
}

/** What is demanded of a measured value, or only reported when `met` is undefined. */
export interface Goal {
  readonly kind: "goal" | "floor" | "reported";
  readonly text: string;
  /** The value as it is to be read, with its unit or as a ratio; "not measured" when a peer is missing. */
  readonly value: string;
  readonly met?: boolean;
}

export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** The heading of the rows' `extra`. */
  readonly extra?: string;
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  readonly remarks: readonly string[];
}

/** A ratio of two subjects, demanded to be `least` at least; 0 for a ratio that is only reported. */
export function ratioGoal(kind: Goal["kind"], text: string, ratio: number, least: number): Goal {
  if (Number.isNaN(ratio)) return { kind, text, value: "not measured" };
  const value = `${ratio.toFixed(2)} ×`;
  return kind === "reported" ? { kind, text, value } : { kind, text, value, met: ratio >= least };
}

/** A value that is demanded to be `most` at most. */
export function limitGoal(text: string, value: number, most: number, unit: string): Goal {
  if (Number.isNaN(value)) return { kind: "goal", text, value: "not measured" };
  return { kind: "goal", text, value: `${shorten(value)} ${unit}`, met: value <= most };
}

/** The whole report as Markdown. */
export function markdown(machine: readonly string[], measures: readonly Measure[]): string {
  const parts = [
    "# Measured",
    "",
    "Written by `npm run bench`; goals from the issue (floor) and the performance page (goal). The subjects ran in turns",
    "(A B C A B C …) on loopback. A ratio is the median, over the rounds, of the two values of one round.",
    "",
    ...machine.map((line) => `- ${line}`),
    "",
    ...measures.flatMap(measureLines),
  ];
  return `${parts.join("\n").trimEnd()}\n`;
}

function measureLines({ id, title, unit, extra, rows, goals, remarks }: Measure): string[] {
  const lines = [`## ${id}: ${title}`, ""];
  if (goals.length > 0) {
    lines.push("| | demanded | measured | met |", "|---|---|---:|---|");
    lines.push(
      ...goals.map((goal) => `| ${goal.kind} | ${goal.text} | ${goal.value} | ${verdict(goal)} |`),
      "",
    );
  }
  if (rows.length > 0) {
    const last = extra === undefined ? "" : ` ${extra} |`;
    lines.push(`| subject | median, ${unit} | each round |${last}`, `|---|---:|---|${extra ? "---|" : ""}`);
    lines.push(...rows.map((row) => rowLine(row, extra !== undefined)), "");
  }
  if (remarks.length > 0) lines.push(...remarks.map((remark) => `- ${remark}`), "");
  return lines;
}

function rowLine({ name, values, extra = "" }: Row, hasExtra: boolean): string {
  const each = values.length > 12 ? `${values.length} values` : values.map(shorten).join(", ");
  return `| ${name} | ${shorten(median(values))} | ${each} |${hasExtra ? ` ${extra} |` : ""}`;
}

function verdict({ kind, met }: Goal): string {
  if (kind === "reported") return "";
  if (met === undefined) return "not measured";
  return met ? "yes" : "**no**";
}

function shorten(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

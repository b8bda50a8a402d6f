import { parseArgs } from "node:util";
import { packages } from "./peers.ts";
import { which } from "./processes.ts";
import type { Measure } from "./report.ts";

/** What this run measures, and how long. */
export interface Plan {
  /** Empty for all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** How long one run of the load generator takes. */
  readonly seconds: number;
  /** The program that is started as the server; undefined for this checkout's. */
  readonly launcher?: string;
}

export const measureIds = ["P1", "P3", "P6", "P7", "P8", "P10", "P11", "P12", "P4"] as const;

export const usage = `usage: npm run bench -- [--only P1,P3,…] [--rounds N] [--seconds N] [--server FILE]

  --only     the measures to run, by comma; all by default. results.md is written only when all are run
  --rounds   how often each subject is measured in turn, 1 to 20; 3 by default
  --seconds  the length of one run of the load generator, 1 to 60; 4 by default
  --server   the launcher of another checkout, in place of this one's bin/errand`;

/** Reads the command line; throws an Error that says what is wrong with it. */
export function readPlan(args: readonly string[]): Plan | "help" {
  const text = { type: "string" } as const;
  const options = {
    only: text,
    rounds: text,
    seconds: text,
    server: text,
    help: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
  if (values.help === true) return "help";
  return {
    only: readMeasures(values.only),
    rounds: readNumber("--rounds", values.rounds ?? "3", 20),
    seconds: readNumber("--seconds", values.seconds ?? "4", 60),
    ...(values.server === undefined ? {} : { launcher: values.server }),
  };
}

/** Whether a program is here; when not, adds a remark that says what is left out and how to get it. */
export function has(program: string, remarks: string[]): boolean {
  if (which(program) !== undefined) return true;
  remarks.push(
    `\`${program}\` is missing and was left out: install the Debian package \`${packages[program]}\`.`,
  );
  return false;
}

/** A measure that cannot be made here at all. */
export function skipped(id: string, title: string, program: string): Measure {
  const remarks: string[] = [];
  has(program, remarks);
  return { id, title, unit: "", rows: [], goals: [], remarks };
}

function readMeasures(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text.split(",").map((part) => {
    const id = part.trim().toUpperCase();
    if (measureIds.some((known) => known === id)) return id;
    throw new Error(`--only knows ${measureIds.join(", ")}, not "${part}"`);
  });
}

function readNumber(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${flag} takes a whole number from 1 to ${most}, not "${text}"`);
}

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { minutesVariable, scaleVariable } from "../support/scale.ts";
import type { Row } from "./rows.ts";

/** What has come of one row. */
export interface Result {
  readonly row: Row;
  readonly passed: boolean;
  /** What its tests have counted, a sentence each. */
  readonly counts: readonly string[];
  readonly seconds: number;
}

export interface Effort {
  /** Of the full counts. */
  readonly scale: number;
  /** How long the long run takes. */
  readonly minutes: number;
}

const root = resolve(import.meta.dir, "../..");
/** A test that says nothing about it takes no longer than this. */
const testTimeoutMilliseconds = 20 * 60_000;
/** A row that takes so many times as long as it should is ended. */
const slowness = 3;
const leastMinutes = 5;

/** Runs the tests of a row. What they print is kept in test-results/soak. */
export async function tryRow(row: Row, effort: Effort): Promise<Result> {
  const { scale, minutes } = effort;
  const mostMinutes = Math.max(leastMinutes, minutesOf(row, effort) * slowness);
  const began = performance.now();
  const command = [process.execPath, "--config=/dev/null", "--no-env-file", "test"];
  command.push(`--timeout=${testTimeoutMilliseconds}`, "--max-concurrency=5");
  if (row.only !== undefined) command.push("-t", row.only);
  const child = Bun.spawn([...command, ...row.files], {
    cwd: root,
    env: { ...environment(), [scaleVariable]: String(scale), [minutesVariable]: String(minutes) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const limit = setTimeout(() => child.kill("SIGTERM"), mostMinutes * 60_000);
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(limit);
  await keep(row.row, `${output}\n${errors}`);
  return {
    row,
    passed: code === 0 && summed(errors, "pass") > 0 && summed(errors, "skip") === 0,
    counts: [...output.matchAll(new RegExp(`^${row.row}: (.*)$`, "gm"))].map(([, text = ""]) => text),
    seconds: (performance.now() - began) / 1_000,
  };
}

/** How long a row takes, about. */
export function minutesOf({ row, minutes }: Row, effort: Effort): number {
  return row === "R19" ? effort.minutes + 1 : minutes * effort.scale;
}

/** Without what would change the runtime under test. */
function environment(): Record<string, string | undefined> {
  const { BUN_OPTIONS, BUN_BE_BUN, BUN_CONFIG_FILE, NODE_OPTIONS, ...kept } = process.env;
  return kept;
}

/** A number of the summary that ends every run. */
function summed(text: string, word: "pass" | "skip"): number {
  return Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(text)?.[1] ?? 0);
}

async function keep(name: string, text: string): Promise<void> {
  const folder = join(root, "test-results/soak");
  mkdirSync(folder, { recursive: true });
  await Bun.write(join(folder, `${name}.log`), text);
}

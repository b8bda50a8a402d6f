import { expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../support/cleanup.ts";
import { errand } from "../../support/command.ts";

export interface Check {
  /** The text of the configuration file. */
  config?: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Runs `errand serve --check`, which must print nothing but an error, and gives it. */
export async function refused(code: 64 | 78, check: Check): Promise<string> {
  const { result, data } = await checked(check);
  expect([result.code, result.stdout, existsSync(data)]).toEqual([code, "", false]);
  expect(result.stderr).toMatch(/^(?:errand|error): /);
  return result.stderr;
}

/** Runs `errand serve --check`, which must be content and make nothing, and gives what it would do. */
export async function accepted(check: Check): Promise<Record<string, string>> {
  const { result, data } = await checked(check);
  expect([result.code, result.stderr, existsSync(data)]).toEqual([0, "", false]);
  const rows = result.stdout.split("\n").filter((line) => line.startsWith("  "));
  return Object.fromEntries(rows.map((row) => [row.slice(2, nameEnd).trim(), row.slice(nameEnd)]));
}

/** Where the values begin in the table that `--check` prints. */
const nameEnd = 20;

async function checked({ config, args = [], env = {} }: Check) {
  const home = temporaryDirectory("check");
  const data = join(home, "data");
  const file = join(home, "file.toml");
  if (config !== undefined) writeFileSync(file, config);
  const flags = config === undefined ? [] : ["--config", file];
  const result = await errand(["serve", "--check", ...flags, ...args], {
    env: { ERRAND_DATA: data, ...env },
  });
  return { result, data };
}

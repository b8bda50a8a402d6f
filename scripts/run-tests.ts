// Type check, lint and tests; the last line is their sum. `bun test` alone succeeds when a file has no tests or
// ends the process, so what counts is its report.

import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Tests may start servers, on machines that are busy. */
const testTimeoutMs = 20_000;

const root = join(import.meta.dir, "..");
const bun = [process.execPath, "--config=/dev/null", "--no-env-file"];
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };

await check("type check", ["node_modules/typescript/bin/tsc", "--noEmit"]);
await check("lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]);
await runTests(process.argv.slice(2));

const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed > 0 ? 1 : 0);

/** Runs a tool on this runtime; it counts as one test. */
async function check(name: string, command: readonly string[]): Promise<void> {
  const succeeded = await run(command);
  console.log(`(${succeeded ? "pass" : "fail"}) ${name}`);
  counts[succeeded ? "passed" : "failed"] += 1;
}

async function runTests(filters: readonly string[]): Promise<void> {
  const folder = join(root, "test-results");
  mkdirSync(folder, { recursive: true });
  // Two runs in one checkout must not read each other's report.
  const report = join(folder, `junit.${process.pid}.xml`);
  const options = [
    "--parallel=2",
    `--timeout=${testTimeoutMs}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const places = ["src", "test"]
    .filter((place) => existsSync(join(root, place)))
    .map((place) => `./${place}`);
  const succeeded = await run(["test", ...options, ...(filters.length > 0 ? filters : places)]);
  if (!existsSync(report)) return fail("no test ran to its end: there is no report");
  const xml = readFileSync(report, "utf8");
  renameSync(report, join(folder, "junit.xml"));

  const seen = readCounts(xml);
  counts.passed += seen.passed;
  counts.failed += seen.failed;
  counts.skipped += seen.skipped;
  if (seen.passed + seen.failed === 0) fail("no test ran");
  const silent = filters.length > 0 ? [] : filesWithoutReport(xml);
  for (const path of silent) fail(`${path}: no test of this file ran`);
  // Errors outside a test, as at import, are in no count.
  if (!succeeded && seen.failed === 0 && silent.length === 0) fail("bun test failed outside a test");
}

/** The sums that stand in the first element of the report. */
function readCounts(xml: string): Counts {
  const sums = /<testsuites\b[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(sums)?.[1] ?? 0);
  const failed = count("failures");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

function filesWithoutReport(xml: string): string[] {
  const reported = new Set([...xml.matchAll(/<testsuite\b[^>]*\bfile="([^"]*)"/g)].map(([, path]) => path));
  const files = [...new Bun.Glob("{src,test}/**/*.test.{ts,tsx}").scanSync({ cwd: root })];
  return files.filter((path) => !reported.has(path)).sort();
}

function fail(reason: string): void {
  console.log(`(fail) ${reason}`);
  counts.failed += 1;
}

/** Runs this runtime with these arguments; its output is shown as it comes. */
async function run(args: readonly string[]): Promise<boolean> {
  const child = Bun.spawn([...bun, ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const end = () => child.kill("SIGTERM");
  process.on("SIGTERM", end);
  const code = await child.exited;
  process.off("SIGTERM", end);
  return code === 0;
}

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

/** These wait for minutes that others have set, and compute little: beside the others they cost no time. */
const waitingFiles = ["test/contract/v1-behind-nginx.test.ts", "test/cli/run-cut.test.ts"];

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
  const places = ["src", "test"].filter((place) => existsSync(join(root, place)));
  const waiting = filters.length > 0 ? [] : waitingFiles.filter((path) => existsSync(join(root, path)));
  const others = [
    ...waiting.map((path) => `--path-ignore-patterns=${path}`),
    ...(filters.length > 0 ? filters : places.map((place) => `./${place}`)),
  ];
  const runs = await Promise.all([
    testRun("junit", ["--parallel=2", ...others]),
    ...(waiting.length > 0
      ? [
          testRun(
            "junit-waiting",
            waiting.map((path) => `./${path}`),
          ),
        ]
      : []),
  ]);
  const reports = runs.flatMap((each) => (each === null ? [] : [each]));
  if (reports.length < runs.length) return;
  const silent = filters.length > 0 ? [] : filesWithoutReport(reports.map(({ xml }) => xml).join(""));
  for (const path of silent) fail(`${path}: no test of this file ran`);
  // Errors outside a test, as at import, are in no count.
  if (silent.length === 0 && reports.some(({ unexplained }) => unexplained))
    fail("bun test failed outside a test");
}

interface Report {
  readonly xml: string;
  /** It failed, and no test did. */
  readonly unexplained: boolean;
}

/** Runs tests, counts them, and gives their report; null when there is none. */
async function testRun(name: string, what: readonly string[]): Promise<Report | null> {
  const folder = join(root, "test-results");
  mkdirSync(folder, { recursive: true });
  // Two runs in one checkout must not read each other's report.
  const report = join(folder, `${name}.${process.pid}.xml`);
  const options = [`--timeout=${testTimeoutMs}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const succeeded = await run(["test", ...options, ...what]);
  if (!existsSync(report)) {
    fail("no test ran to its end: there is no report");
    return null;
  }
  const xml = readFileSync(report, "utf8");
  renameSync(report, join(folder, `${name}.xml`));

  const seen = readCounts(xml);
  counts.passed += seen.passed;
  counts.failed += seen.failed;
  counts.skipped += seen.skipped;
  if (seen.passed + seen.failed === 0) fail("no test ran");
  return { xml, unexplained: !succeeded && seen.failed === 0 };
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

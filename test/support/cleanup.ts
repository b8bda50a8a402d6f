import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTimeOf } from "./proc.ts";

type End = () => Promise<void>;

const ends = new Set<End>();
const directories = new Set<string>();
let guard: Bun.Subprocess<"pipe", "ignore", "ignore"> | undefined;

/** Remembers how to end something; `endEverything` does it when the test itself has not. */
export function atEnd(end: End): void {
  ends.add(end);
}

/**
 * Ends all that this test file started and removes its directories. Each file that starts something says
 * `afterAll(endEverything)`; the guard process does the same for a test run that is killed.
 */
export async function endEverything(): Promise<void> {
  const failures: unknown[] = [];
  for (const end of [...ends].reverse()) {
    ends.delete(end);
    await end().catch((error: unknown) => failures.push(error));
  }
  for (const directory of directories) {
    directories.delete(directory);
    rmSync(directory, { recursive: true, force: true });
  }
  if (failures.length > 0) throw new AggregateError(failures, "not everything could be ended");
}

/** Makes a directory that lives as long as the test file. */
export function temporaryDirectory(purpose = "test"): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), `errand-${purpose}-`));
  directories.add(path);
  tellGuard(`directory ${path}`);
  return path;
}

/** Lets the guard end this process, too, if the test run dies. */
export function guardProcess(pid: number): void {
  const start = startTimeOf(pid);
  if (start !== undefined) tellGuard(`process ${pid} ${start}`);
}

/** Tells the guard what to end: `process <pid> <start time>`, `token <token>` or `directory <path>`. */
export function tellGuard(line: string): void {
  guard ??= startGuard();
  guard.stdin.write(`${line}\n`);
  guard.stdin.flush();
}

// A session of its own keeps it alive through the Ctrl-C that ends the test run.
function startGuard(): Bun.Subprocess<"pipe", "ignore", "ignore"> {
  const started = Bun.spawn(["sh", join(import.meta.dir, "guard.sh")], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
  });
  started.unref();
  return started;
}

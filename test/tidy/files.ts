import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of the checkout. */
export const root = join(import.meta.dir, "..", "..");

/** Text of files by their path from the root, with forward slashes. */
export type Files = Readonly<Record<string, string>>;

/**
 * Paths of the repository's files: tracked ones, and new ones that are not ignored, so that a mistake is
 * seen before it is committed. Outside a git checkout: everything but dependencies and reports.
 */
export function repositoryFiles(): string[] {
  const git = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    stderr: "ignore",
  });
  const listed = git.success
    ? git.stdout.toString().split("\0")
    : [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })];
  const outside = /(?:^|\/)(?:node_modules|\.git|test-results)\//;
  const paths = listed.filter((path) => path !== "" && !outside.test(path) && existsSync(join(root, path)));
  return [...new Set(paths)].sort();
}

/** Reads the files of the repository whose path matches. */
export function readRepository(wanted: RegExp): Files {
  const paths = repositoryFiles().filter((path) => wanted.test(path));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** The number of the line that holds this offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** The paths that findings complain about: what stands before the first colon or space. */
export function blamed(findings: readonly string[]): (string | undefined)[] {
  return findings.map((finding) => finding.split(/[: ]/, 1)[0]);
}

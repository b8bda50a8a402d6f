import type { Files } from "./files.ts";

const localHost = String.raw`(?:localhost|127\.0\.0\.1|\[::1\]|[\w.-]*\bexample(?:\.[a-z]+)?)(?=[:/"'\s]|$)`;
/** A host that is named like a registry, or the address of a package's archive on any host. */
const registry = new RegExp(
  String.raw`\bhttps?://(?!${localHost})(?:[\w.-]*\b(?:registry|artifactory|nexus|verdaccio)\b[^\s"'<>)]*` +
    String.raw`|[^\s"'<>)]*/-/[^\s"'<>)]*\.tgz)`,
  "gi",
);

/** What belongs to one machine or one network and must not be in the repository, as sentences. */
export function privateContent(files: Files, checkout: string): string[] {
  const found: string[] = [];
  // A checkout directly below the root has a name like any other (/app), which says nothing.
  const tellsWhere = checkout.split("/").filter(Boolean).length > 1;
  for (const [path, text] of Object.entries(files)) {
    text.split("\n").forEach((line, index) => {
      const at = `${path}:${index + 1}`;
      if (tellsWhere && containsPath(line, checkout)) found.push(`${at}: the path of this checkout`);
      for (const [url] of line.matchAll(registry)) found.push(`${at}: the registry ${url}`);
    });
    if (/(?:^|\/)package-lock\.json$/.test(path)) found.push(...resolvedHosts(path, text));
  }
  return found;
}

/** Whether the path itself or something below it is named; `/a/bc` is another path than `/a/b`. */
function containsPath(line: string, path: string): boolean {
  for (let at = line.indexOf(path); at >= 0; at = line.indexOf(path, at + 1)) {
    const before = line[at - 1] ?? "";
    if (!/[\w.-]/.test(before) && !/^[\w-]/.test(line.slice(at + path.length))) return true;
  }
  return false;
}

/** A lock file that says where a package came from installs from nowhere else. */
function resolvedHosts(path: string, text: string): string[] {
  const lock: unknown = JSON.parse(text);
  const packages = isRecord(lock) && isRecord(lock.packages) ? lock.packages : {};
  return Object.entries(packages)
    .filter(([, entry]) => isRecord(entry) && typeof entry.resolved === "string" && entry.link !== true)
    .map(([name]) => `${path}: ${name} has "resolved": set omit-lockfile-registry-resolved in .npmrc`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

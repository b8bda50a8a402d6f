import { lineAt } from "./files.ts";
import type { Import } from "./imports.ts";
import { layers, type Parsed } from "./parse.ts";

/** Something that is not to be written, and what to use instead. */
export interface Ban {
  readonly pattern: RegExp;
  /** What the pattern is held against: code without strings, comments, or one import as `module name,name`. */
  readonly layer: "code" | "comments" | "imports";
  /** Start of the paths where it is banned. */
  readonly where: readonly string[];
  /** Start of the paths below these where it is allowed. */
  readonly allowed: readonly string[];
  readonly instead: string;
}

const sources = ["src/", "test/", "bench/", "scripts/"];
const tests = ["src/", "test/"];
const src = ["src/"];
const core = ["src/core/"];
const supervisor = ["src/supervisor/"];

/** The table: one row per ban. */
export const bans: readonly Ban[] = [
  // Processes belong to one place, which gives them real pipes and stops their whole tree.
  row("imports", /^(?:node:)?child_process\b/, src, [], "the supervisor"),
  row("imports", /^bun (?:.*,)?(?:spawn|spawnSync|\$)(?:,|$)/, src, supervisor, "the supervisor"),
  row("code", /\bBun\s*\.\s*(?:spawn|spawnSync|\$)(?!\w)/, src, supervisor, "the supervisor"),
  row("code", /\.\s*kill\s*\(/, src, supervisor, "the supervisor: a pid alone names no process"),
  // Time in the domain comes through a port, so that tests can set it.
  row("code", /\bDate\s*\.\s*now\b/, core, [], "the clock port"),
  row("code", /\bperformance\s*\.\s*now\b/, core, [], "the clock port"),
  row("code", /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/, core, [], "the clock port"),
  row("code", /(?<![.\w])Bun\s*\./, core, [], "a port: the domain does no input or output"),
  row(
    "code",
    /\bprocess\s*\.\s*(?:argv|cwd|env|exit|hrtime|nextTick|std(?:in|out|err))\b/,
    core,
    [],
    "a port",
  ),
  // The runtime drops an event within 2 ms of the last, so the final write is missed.
  row(
    "imports",
    /^(?:node:)?fs(?:\/promises)? (?:.*,)?watch(?:File)?(?:,|$)/,
    src,
    [],
    "inotify or a notice in process",
  ),
  row("code", /\bfs\w*\s*\.\s*watch(?:File)?\b/, src, [], "inotify or a notice in process"),
  row("code", /\bconsole\s*\./, src, ["src/cli/", "src/main.ts", "src/serve.ts"], "the log"),
  row(
    "code",
    /\bprocess\s*\.\s*env\b/,
    src,
    ["src/config/", "src/main.ts", "src/sdk/connections.ts", ...supervisor],
    "the configuration",
  ),
  row("code", /\bthrow\s*["'`]/, sources, [], "an Error: a string has no stack"),
  row("code", /\bas\s+any\b/, sources, [], "unknown, and narrow it"),
  row(
    "comments",
    /@ts-(?:ignore|nocheck)\b/,
    sources,
    [],
    "a type that is right, or @ts-expect-error with a reason",
  ),
  row("code", /\.\s*(?:only|skip|todo)\s*[.(]/, tests, [], "a test that runs, or skipIf with the reason"),
];

function row(
  layer: Ban["layer"],
  pattern: RegExp,
  where: readonly string[],
  allowed: readonly string[],
  instead: string,
): Ban {
  return { layer, pattern, where, allowed, instead };
}

/** Uses of what is banned, as sentences. */
export function bannedUses(
  files: readonly Parsed[],
  imports: readonly Import[],
  table: readonly Ban[] = bans,
): string[] {
  const found: string[] = [];
  const report = (ban: Ban, path: string, line: number, what: string) => {
    if (!applies(ban, path)) return;
    found.push(`${path}:${line}: ${what.trim()} is not to be used here, but ${ban.instead}`);
  };
  for (const file of files) {
    const text = layers(file);
    for (const ban of table) {
      if (ban.layer === "imports") continue;
      for (const match of text[ban.layer].matchAll(new RegExp(ban.pattern, "g"))) {
        report(ban, file.path, lineAt(file.text, match.index), match[0]);
      }
    }
  }
  for (const { path, line, specifier, names, typeOnly } of imports) {
    if (typeOnly) continue;
    for (const ban of table.filter(({ layer }) => layer === "imports")) {
      if (ban.pattern.test(`${specifier} ${names.join(",")}`))
        report(ban, path, line, `import "${specifier}"`);
    }
  }
  return found;
}

function applies({ where, allowed }: Ban, path: string): boolean {
  const isBelow = (start: string) => path.startsWith(start);
  return where.some(isBelow) && !allowed.some(isBelow);
}

import type { Import } from "./imports.ts";

/** What the files of one folder may import besides each other. */
export interface Rule {
  /** Folders or files of src/. */
  readonly ours: readonly string[];
  /** Of these folders or files only types. */
  readonly types?: readonly string[];
  /** Modules that are not ours: none, packages of npm, or those of the runtime (node:, bun:) too. */
  readonly outside: "none" | "packages" | "all";
}

/** Files that put the parts together and see everything. Nobody imports them but each other. */
const composition: ReadonlySet<string> = new Set(["main.ts", "serve.ts", "compose"]);

/** Folder of src/ → what it may import. `http/*` is every door: a folder in src/http/. */
export const importRules: Readonly<Record<string, Rule>> = {
  core: { ours: [], outside: "none" },
  encoding: { ours: [], outside: "packages" },
  protocol: { ours: [], types: ["core"], outside: "packages" },
  supervisor: { ours: ["core"], outside: "all" },
  spool: { ours: ["core"], outside: "all" },
  // A process that supervises and keeps the output of one job, and the server's talk with it.
  shim: { ours: ["core", "spool", "supervisor"], outside: "all" },
  store: { ours: ["core"], outside: "all" },
  callbacks: { ours: ["core"], outside: "all" },
  config: { ours: ["core"], outside: "all" },
  log: { ours: ["core"], outside: "all" },
  http: { ours: ["core"], outside: "all" },
  "http/*": { ours: ["core", "encoding", "protocol", "http"], outside: "all" },
  fleet: { ours: ["core", "encoding", "protocol"], outside: "all" },
  // The SDK also runs in browsers; its part that reads the connections file is for Node and so a row of its own.
  sdk: { ours: [], types: ["protocol"], outside: "none" },
  "sdk/connections.ts": { ours: ["sdk"], types: ["protocol"], outside: "all" },
  cli: {
    ours: ["sdk", "sdk/connections.ts", "config", "core/limits.ts", "core/version.ts"],
    types: ["core/errors.ts"],
    outside: "all",
  },
  mcp: { ours: ["sdk", "sdk/connections.ts"], outside: "all" },
};

/** Imports in src/ that the table does not allow, as sentences. Tests may import what they like. */
export function forbiddenImports(imports: readonly Import[], rules = importRules): string[] {
  return imports.flatMap((one) => {
    if (one.path.endsWith(".test.ts")) return [];
    const folder = folderOf(one.path, rules);
    if (composition.has(folder)) return [];
    const rule = rules[folder] ?? (folder.startsWith("http/") ? rules["http/*"] : undefined);
    // Folders without a row are told by `unknownFolders`.
    if (rule === undefined || isAllowed(one, folder, rule, rules)) return [];
    return [`${one.path}:${one.line}: ${folder} must not import "${one.specifier}"; it may: ${words(rule)}`];
  });
}

/** Folders and single files directly in src/ that the table does not know, as sentences. */
export function unknownFolders(paths: readonly string[], rules = importRules): string[] {
  // Ambient declarations only tell the compiler what other kinds of files are.
  const rows = paths.filter((path) => !/\.(?:test|d)\.ts$/.test(path));
  const folders = new Set(rows.map((path) => folderOf(path, rules)));
  return [...folders]
    .filter((folder) => !(folder in rules) && !composition.has(folder) && !folder.startsWith("http/"))
    .map((folder) => `src/${folder} has no row: say what it may import in test/tidy/import-rules.ts`);
}

function folderOf(path: string, rules: Readonly<Record<string, Rule>>): string {
  const inside = path.replace(/^src\//, "");
  if (inside in rules) return inside;
  const [first = "", second = "", ...deeper] = inside.split("/");
  return first === "http" && deeper.length > 0 ? `http/${second}` : first;
}

function isAllowed(one: Import, folder: string, rule: Rule, rules: Readonly<Record<string, Rule>>): boolean {
  if (one.target === null) return allowsOutside(one.specifier, rule.outside);
  if (!one.target.startsWith("src/")) return false;
  const target = folderOf(one.target, rules);
  const file = one.target.slice("src/".length);
  const listed = (entries: readonly string[]) => entries.includes(target) || entries.includes(file);
  return target === folder || listed(rule.ours) || (one.typeOnly && listed(rule.types ?? []));
}

function allowsOutside(specifier: string, outside: Rule["outside"]): boolean {
  if (outside !== "packages") return outside === "all";
  return !/^(?:node:|bun:|bun$)/.test(specifier);
}

function words({ ours, types = [], outside }: Rule): string {
  const modules = { none: [], packages: ["packages"], all: ["any module that is not ours"] };
  const parts = [...ours, ...types.map((entry) => `types of ${entry}`), ...modules[outside]];
  return parts.length > 0 ? parts.join(", ") : "nothing outside itself";
}

import {
  isArrowFunction,
  isClassDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isImportDeclaration,
  isNamedExports,
  isVariableStatement,
  type Node,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type Files, lineAt } from "./files.ts";
import type { Import } from "./imports.ts";
import type { Parsed } from "./parse.ts";

/** Files with more lines than this. */
export function tooLong(files: Files, mostLines: number): string[] {
  return Object.entries(files).flatMap(([path, text]) => {
    const lines = text.replace(/\n$/, "").split("\n").length;
    return lines > mostLines ? [`${path} has ${lines} lines, at most ${mostLines}: split it`] : [];
  });
}

/** Files that hold nothing but re-exports: they hide where things are and tie cycles. */
export function barrels(files: readonly Parsed[], allowed: readonly string[]): string[] {
  return files
    .filter(({ path, tree }) => {
      const statements = tree.statements.filter((statement) => !isImportDeclaration(statement));
      return statements.length > 0 && statements.every(isReExport) && !allowed.includes(path);
    })
    .map(
      ({ path }) => `${path} only re-exports: import from where things are defined, or name it in the list`,
    );
}

function isReExport(node: Node): boolean {
  if (!isExportDeclaration(node)) return false;
  // `export {}` only makes a script a module.
  const names = node.exportClause;
  return names === undefined || !isNamedExports(names) || names.elements.length > 0;
}

/** Cycles among files, each as one chain. Type imports are gone at run time and do not count. */
export function cycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { path, target, typeOnly } of imports) {
    if (target === null || typeOnly) continue;
    edges.set(path, (edges.get(path) ?? new Set()).add(target));
  }
  const found: string[] = [];
  const finished = new Set<string>();
  const follow = (path: string, chain: readonly string[]): void => {
    const start = chain.indexOf(path);
    if (start >= 0) found.push([...chain.slice(start), path].join(" → "));
    if (start >= 0 || finished.has(path)) return;
    for (const next of edges.get(path) ?? []) follow(next, [...chain, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) follow(path, []);
  return found;
}

/** Exported functions and classes without a doc comment directly above. */
export function undocumented(files: readonly Parsed[]): string[] {
  return files.flatMap(({ path, text, tree }) => {
    const later = new Set(tree.statements.flatMap(namesExportedLater));
    const seen = new Set<string>();
    return tree.statements.flatMap((statement) => {
      const name = functionOrClassName(statement);
      // Of the signatures of an overloaded function the first one carries the comment.
      if (name === undefined || seen.has(name) || !(isExported(statement) || later.has(name))) return [];
      seen.add(name);
      const start = statement.getStart(tree);
      if (documented.test(text.slice(statement.pos, start))) return [];
      return [`${path}:${lineAt(text, start)}: ${name} is exported and needs a doc comment directly above`];
    });
  });
}

/** A doc comment, then at most line comments (for the linter), then the declaration: no empty line between. */
const documented = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/[ \t]*\n?(?:[ \t]*\/\/[^\n]*\n)*[ \t]*$/;

function functionOrClassName(node: Node): string | undefined {
  if (isFunctionDeclaration(node) || isClassDeclaration(node)) return node.name?.text ?? "default";
  if (!isVariableStatement(node)) return undefined;
  const { name, initializer } = node.declarationList.declarations[0] ?? {};
  if (name === undefined || initializer === undefined) return undefined;
  return isArrowFunction(initializer) || isFunctionExpression(initializer) ? name.getText() : undefined;
}

function isExported(node: Node): boolean {
  if (!isFunctionDeclaration(node) && !isClassDeclaration(node) && !isVariableStatement(node)) return false;
  return node.modifiers?.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword) ?? false;
}

/** Names in `export { a, b }` without a module. */
function namesExportedLater(node: Node): string[] {
  if (!isExportDeclaration(node) || node.moduleSpecifier !== undefined) return [];
  const names = node.exportClause;
  if (names === undefined || !isNamedExports(names)) return [];
  return names.elements.map((element) => (element.propertyName ?? element.name).getText());
}

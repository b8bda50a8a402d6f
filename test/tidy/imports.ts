import { posix } from "node:path";
import {
  isCallExpression,
  isExportDeclaration,
  isExternalModuleReference,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNamedExports,
  isNamedImports,
  isStringLiteral,
  type Node,
  SyntaxKind,
} from "typescript/unstable/ast";
import { lineAt } from "./files.ts";
import { type Parsed, visit } from "./parse.ts";

/** One import, re-export, dynamic import, require or import type. */
export interface Import {
  readonly path: string;
  readonly line: number;
  readonly specifier: string;
  /** The file that a relative specifier means, from the root; null for modules that are not ours. */
  readonly target: string | null;
  /** Names taken from it; empty when all or unknown. */
  readonly names: readonly string[];
  /** Gone at run time. `import { type A }` is not: the module is still loaded. */
  readonly typeOnly: boolean;
}

/** Every import of these files. */
export function importsOf(files: readonly Parsed[]): Import[] {
  const known = new Set(files.map((file) => file.path));
  const all: Import[] = [];
  for (const { path, text, tree } of files) {
    visit(tree, (node) => {
      const specifier = specifierOf(node);
      if (specifier === undefined) return;
      all.push({
        path,
        line: lineAt(text, node.getStart(tree)),
        specifier,
        target: specifier.startsWith(".") ? resolve(path, specifier, known) : null,
        names: namesOf(node),
        typeOnly: isTypeOnly(node),
      });
    });
  }
  return all;
}

function resolve(from: string, specifier: string, known: ReadonlySet<string>): string {
  const base = posix.join(posix.dirname(from), specifier);
  return [base, `${base}.ts`, `${base}.tsx`, `${base}/index.ts`].find((path) => known.has(path)) ?? base;
}

function specifierOf(node: Node): string | undefined {
  const literal = moduleNodeOf(node);
  return literal !== undefined && isStringLiteral(literal) ? literal.text : undefined;
}

function moduleNodeOf(node: Node): Node | undefined {
  if (isImportDeclaration(node) || isExportDeclaration(node)) return node.moduleSpecifier;
  if (isExternalModuleReference(node)) return node.expression;
  if (isImportTypeNode(node)) return isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (!isCallExpression(node)) return undefined;
  const loads = node.expression.kind === SyntaxKind.ImportKeyword || node.expression.getText() === "require";
  return loads ? node.arguments[0] : undefined;
}

function namesOf(node: Node): string[] {
  const elements = isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
  if (elements !== undefined && isNamedImports(elements)) return elements.elements.map(nameOf);
  const exported = isExportDeclaration(node) ? node.exportClause : undefined;
  return exported !== undefined && isNamedExports(exported) ? exported.elements.map(nameOf) : [];
}

/** The name in the module it comes from, whatever it is called here. */
function nameOf(element: { readonly name: Node; readonly propertyName?: Node }): string {
  return (element.propertyName ?? element.name).getText();
}

function isTypeOnly(node: Node): boolean {
  if (isImportDeclaration(node)) return node.importClause?.phaseModifier === SyntaxKind.TypeKeyword;
  return isExportDeclaration(node) ? node.isTypeOnly : isImportTypeNode(node);
}

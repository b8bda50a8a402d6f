import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/async";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import type { Files } from "./files.ts";

/** A source file with its syntax tree. */
export interface Parsed {
  readonly path: string;
  readonly text: string;
  readonly tree: SourceFile;
}

/** Parses TypeScript with the compiler itself; nothing is resolved, checked or read from the disk. */
export async function parse(files: Files): Promise<Parsed[]> {
  const paths = Object.keys(files);
  const config = { compilerOptions: { noLib: true, noResolve: true, types: [] }, files: paths };
  const virtual = Object.fromEntries(paths.map((path) => [`/tidy/${path}`, files[path] ?? ""]));
  const api = new API({
    cwd: "/tidy",
    fs: createVirtualFileSystem({ ...virtual, "/tidy/tsconfig.json": JSON.stringify(config) }),
  });
  try {
    const snapshot = await api.updateSnapshot({ openProjects: ["/tidy/tsconfig.json"] });
    const program = snapshot.getProjects()[0]?.program;
    const parsed: Parsed[] = [];
    for (const path of paths) {
      const tree = await program?.getSourceFile(`/tidy/${path}`);
      if (tree === undefined) throw new Error(`the compiler did not parse ${path}`);
      parsed.push({ path, text: tree.text, tree });
    }
    return parsed;
  } finally {
    await api.close();
  }
}

/** Calls back for every node below this one, parents first. */
export function visit(node: Node, callback: (node: Node) => void): void {
  node.forEachChild((child) => {
    callback(child);
    visit(child, callback);
  });
}

/** The text of a file in two layers; offsets and lines are those of the file. */
export interface Layers {
  /** Without comments and without the content of strings, templates and regular expressions. */
  readonly code: string;
  /** Comments only. */
  readonly comments: string;
}

const literals: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
  SyntaxKind.RegularExpressionLiteral,
  SyntaxKind.JsxText,
]);

/** Separates code from comments. The tree says where literals are; what is left beside them is unambiguous. */
export function layers({ text, tree }: Parsed): Layers {
  let withoutLiterals = "";
  let done = 0;
  visit(tree, (node) => {
    if (!literals.has(node.kind)) return;
    // The quotes stay, so that a rule can see that there is a string.
    const opensHole = node.kind === SyntaxKind.TemplateHead || node.kind === SyntaxKind.TemplateMiddle;
    const from = node.getStart(tree) + 1;
    const to = node.end - (opensHole ? 2 : 1);
    withoutLiterals += text.slice(done, from) + blank(text.slice(from, to));
    done = to;
  });
  withoutLiterals += text.slice(done);
  const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  let comments = "";
  for (const found of withoutLiterals.matchAll(comment)) {
    const end = found.index + found[0].length;
    comments += blank(text.slice(comments.length, found.index)) + text.slice(found.index, end);
  }
  return { code: withoutLiterals.replace(comment, blank), comments };
}

function blank(part: string): string {
  return part.replace(/[^\n]/g, " ");
}

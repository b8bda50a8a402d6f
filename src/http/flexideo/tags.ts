import type { ErrandError } from "../../core/errors.ts";
import { escapeAttribute } from "../../encoding/xmlText.ts";
import { flexideoErrors } from "./errors.ts";

/** Attributes in the order in which they are written; null and undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | null | undefined>>;

/** A detail is for people: longer ones are cut. */
const mostDetail = 2_000;

/** `<name a="…">`. */
export function startTag(name: string, attributes: Attributes): string {
  return `<${name}${written(attributes)}>`;
}

/** `</name>`. */
export function endTag(name: string): string {
  return `</${name}>`;
}

/** `<name a="…"/>`. */
export function emptyTag(name: string, attributes: Attributes): string {
  return `<${name}${written(attributes)}/>`;
}

/** The body of an answer that is an error as a whole. */
export function errorBody(error: ErrandError): string {
  const { number } = flexideoErrors[error.code];
  return `<response>${emptyTag("error", { number, severity: "error", detail: error.message })}</response>`;
}

function written(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => (value === null || value === undefined ? "" : ` ${name}="${text(name, value)}"`))
    .join("");
}

function text(name: string, value: string | number): string {
  const all = String(value);
  return escapeAttribute(name === "detail" && all.length > mostDetail ? `${all.slice(0, mostDetail)}…` : all);
}

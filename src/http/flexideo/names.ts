import type { SaxesAttributeNS } from "saxes";
import { invalid, shown } from "./invalid.ts";

/** The name of the envelope. */
export const root = "request";
/** Attributes of the envelope that mean something to other servers of this protocol. */
const tolerated = ["session", "target"];

/** Refuses what the parser lets pass: a name that begins badly behind its prefix. */
export function checkName({ name, local }: { readonly name: string; readonly local: string }): void {
  if (!/^(?:[-.0-9\u00B7\u203F\u2040]|[\u0300-\u036F])/.test(local)) return;
  throw invalid(`malformed name: ${shown(name)}`);
}

/** True for what binds a prefix. */
export function isDeclaration({ name, prefix }: SaxesAttributeNS): boolean {
  return name === "xmlns" || prefix === "xmlns";
}

/** Attributes of other namespaces are not ours to judge, such as where a schema is. Throws `invalid-request`. */
export function checkEnvelope(attributes: readonly SaxesAttributeNS[]): void {
  const unknown = attributes.find(({ name, prefix }) => prefix === "" && !tolerated.includes(name));
  if (unknown !== undefined) throw invalid(`<${root}> has no attribute ${shown(unknown.name)}`);
}

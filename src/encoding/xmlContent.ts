import { XmlError } from "./errors.ts";
import { mostXmlDepth, readXml } from "./strictXml.ts";

const space = "[ \\t\\r\\n]";
/** A byte order mark and an XML declaration, each optional; what follows `<?xml` else is found by the parser. */
const prolog = new RegExp(
  `^\\uFEFF?(?:<\\?xml${pseudoAttribute("version", "1\\.[0-9]+")}` +
    `(?:${pseudoAttribute("encoding", "[A-Za-z][A-Za-z0-9._-]*")})?` +
    `(?:${pseudoAttribute("standalone", "(?:yes|no)")})?${space}*\\?>)?`,
);

function pseudoAttribute(name: string, value: string): string {
  return `${space}+${name}${space}*=${space}*(?:"${value}"|'${value}')`;
}

/**
 * The text as it can stand between `<output>` and `</output>`, without byte order mark and XML declaration, if it is
 * namespace-well-formed content with at least one element and its prefixes bound within itself; else null.
 * Several roots and text around them are content too; a document type, other entities than the five predefined and
 * nesting or attributes over the limits are not.
 */
export function asElements(text: string): string | null {
  const content = text.replace(prolog, "");
  let elements = 0;
  try {
    // A tag around it makes the parser hold text outside of elements to the rules, and end tags too many an error.
    readXml(["<output>", content, "</output>"], () => ({ open: () => elements++ }), {
      depth: mostXmlDepth + 1,
    });
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
  return elements > 1 ? content : null;
}

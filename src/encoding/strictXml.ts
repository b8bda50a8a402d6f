import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from "saxes";
import { XmlError } from "./errors.ts";
import { findUnholdable } from "./xmlText.ts";

/** Deepest nesting of elements, the root counted. */
export const mostXmlDepth = 64;
/** Most attributes of one element, namespace declarations counted. */
export const mostXmlAttributes = 64;

/** An element with its namespace ("" for none). */
export interface XmlElement {
  readonly name: string;
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly SaxesAttributeNS[];
}

/** What a reader of XML is told, in document order. Comments and processing instructions are passed over. */
export interface XmlHandlers {
  open?(element: XmlElement): void;
  close?(element: XmlElement): void;
  /** Text or a CDATA section; one run of text may come in several parts. */
  text?(text: string): void;
}

/**
 * Reads one document of XML 1.0 with namespaces, given in pieces that follow one another. A document type, anything
 * not well-formed and what is over a limit is an XmlError; so is any other error that `fail` makes for a handler.
 */
export function readXml(
  pieces: readonly string[],
  handlers: XmlHandlers,
  limits: { readonly depth: number } = { depth: mostXmlDepth },
): void {
  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  // Counting from 0 leaves out the line and column, which are of the pieces joined.
  const fail = (message: string): never => {
    throw new XmlError(`${message} (line ${parser.line}, column ${parser.column})`, parser.position);
  };
  watchLimits(parser, limits.depth, fail);
  parser.on("doctype", () => fail("a document type declaration is not allowed"));
  parser.on("error", (error) => fail(error.message.replace(/^\d+:\d+: |\.$/g, "")));
  // The parser takes `<?a?b?>` for an instruction with the body `?b`.
  parser.on("processinginstruction", ({ body }) => {
    if (body.startsWith("?")) fail("a processing instruction needs white space after its target");
  });
  if (handlers.text !== undefined) {
    parser.on("text", handlers.text);
    parser.on("cdata", handlers.text);
  }
  parser.on("opentag", (tag) => handlers.open?.(elementOf(tag)));
  parser.on("closetag", (tag) => handlers.close?.(elementOf(tag)));
  for (const piece of pieces) {
    checkCharacters(piece);
    parser.write(piece);
  }
  parser.close();
}

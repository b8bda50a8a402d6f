import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from "saxes";
import { XmlError } from "./errors.ts";
import { findUnholdable } from "./xmlText.ts";

/** Deepest nesting of elements, the root counted. */
export const mostXmlDepth = 64;
/** Most attributes of one element, namespace declarations counted. */
export const mostXmlAttributes = 64;

/** An element whose start tag was read; `namespace` is "" for none. */
export interface XmlElement {
  readonly name: string;
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly SaxesAttributeNS[];
}

/** What a reader of XML is told, in document order. Comments and processing instructions are passed over. */
export interface XmlHandlers {
  open?(element: XmlElement): void;
  close?(): void;
  /** Text or a CDATA section; one run of text may come in several parts. */
  text?(text: string): void;
}

/** Ends the reading with an XmlError that names line and column. */
export type Fail = (message: string) => never;

/**
 * Reads one document of XML 1.0 with namespaces, given in pieces that follow one another. A document type, anything
 * not well-formed and anything over a limit is an XmlError. Closes what the parser leaves open: lone surrogates
 * (it swallows the next character), instructions without white space, local names that begin with a digit.
 */
export function readXml(
  pieces: readonly string[],
  handlersFor: (fail: Fail) => XmlHandlers,
  { depth = mostXmlDepth }: { readonly depth?: number } = {},
): void {
  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  const end = pieces.reduce((length, piece) => length + piece.length, 0);
  const fail: Fail = (message) => {
    // The parser counts one further where a piece ends.
    const position = Math.min(parser.position, end);
    throw new XmlError(`${message} (line ${parser.line}, column ${parser.column})`, position);
  };
  const handlers = handlersFor(fail);
  const limits = watchLimits(parser, depth, fail);
  parser.on("error", (error) => fail(error.message.replace(/^\d+:\d+: |\.$/g, "")));
  parser.on("doctype", () => fail("a document type declaration is not allowed"));
  // `<?a?b?>` is told as an instruction with the body `?b`; a right one with such a body is too rare to tell apart.
  parser.on("processinginstruction", ({ body }) => {
    if (body.startsWith("?")) fail("white space is due after the target of a processing instruction");
  });
  parser.on("opentag", (tag) => {
    const element = elementOf(tag);
    checkNames(element, fail);
    handlers.open?.(element);
  });
  parser.on("closetag", () => {
    limits.closed();
    handlers.close?.();
  });
  // Without a handler the parser need not gather the text.
  const text = handlers.text?.bind(handlers);
  if (text !== undefined) {
    parser.on("text", text);
    parser.on("cdata", text);
  }
  let start = 0;
  for (const piece of pieces) {
    checkCharacters(piece, start);
    parser.write(piece);
    start += piece.length;
  }
  parser.close();
}

/** Counts while they come, so that the parser never holds more than the limit. */
function watchLimits(parser: SaxesParser<{ xmlns: true }>, mostDepth: number, fail: Fail) {
  let depth = 0;
  let attributes = 0;
  parser.on("opentagstart", () => {
    depth++;
    attributes = 0;
    if (depth > mostDepth) fail(`elements are nested more than ${mostDepth} deep`);
  });
  parser.on("attribute", () => {
    attributes++;
    if (attributes > mostXmlAttributes) fail(`an element has more than ${mostXmlAttributes} attributes`);
  });
  return {
    closed() {
      depth--;
    },
  };
}

function elementOf({ name, local, uri, attributes }: SaxesTagNS): XmlElement {
  return { name, local, namespace: uri, attributes: Object.values(attributes) };
}

/** Characters of names that cannot begin one; that all are characters of names the parser has seen to. */
const noNameStart = /^(?:[-.0-9]|\u00B7|\u203F|\u2040|[\u0300-\u036F])/;

function checkNames({ name, local, attributes }: XmlElement, fail: Fail): void {
  if (noNameStart.test(local)) fail(`malformed name: ${name}`);
  for (const attribute of attributes) {
    if (noNameStart.test(attribute.local)) fail(`malformed name: ${attribute.name}`);
  }
}

function checkCharacters(piece: string, start: number): void {
  const position = findUnholdable(piece);
  if (position < 0) return;
  const number = piece.charCodeAt(position).toString(16).toUpperCase().padStart(4, "0");
  const at = start + position;
  throw new XmlError(`the character U+${number} at ${at} is not allowed in XML`, at);
}

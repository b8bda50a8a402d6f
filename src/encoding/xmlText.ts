/** Turns text into text for an XML document, piece by piece. */
export interface XmlTextEncoder {
  write(text: string): string;
  end(): string;
}

/** stub */
export function escapeText(text: string): string {
  return text;
}
/** stub */
export function escapeAttribute(text: string): string {
  return text;
}
/** stub */
export function xmlTextEncoder(): XmlTextEncoder {
  throw new Error("not yet");
}
/** stub */
export function findUnholdable(text: string): number | -1 {
  return text.length;
}
/** stub */
export function cdata(text: string): string {
  return text;
}
/** stub */
export function cdataEncoder(): XmlTextEncoder {
  throw new Error("not yet");
}

import { type ByteTextEncoder, base64Encoder, hexEncoder, urlEncoder } from "../../encoding/bytesText.ts";
import type { CodePage } from "../../encoding/codePages.ts";
import { EncodingError, JsonFormError } from "../../encoding/errors.ts";
import { jsonFromXml } from "../../encoding/jsonForm.ts";
import { asElements } from "../../encoding/xmlContent.ts";
import { cdataEncoder, escapeText, type XmlTextEncoder, xmlTextEncoder } from "../../encoding/xmlText.ts";
import type { OutputForm } from "./decode.ts";
import type { KeptOutput } from "./kept.ts";

/** What stands in the element of an output, piece by piece. */
export type OutputContent = () => AsyncIterable<string>;

/** Output that cannot be told in the form that was asked for. */
export class OutputFormError extends Error {
  override readonly name = "OutputFormError";
}

/**
 * Decides how an output is told; nothing of it has to be held while it is written. At most `mostWholeBytes` are looked at
 * as a whole. Throws `OutputFormError`.
 */
export async function contentOf(
  output: KeptOutput,
  { encode, page }: OutputForm,
  mostWholeBytes: number,
): Promise<OutputContent> {
  switch (encode) {
    case "hex":
      return () => encoded(output, hexEncoder());
    case "base64":
      return () => encoded(output, base64Encoder());
    case "url":
      return () => encoded(output, urlEncoder());
    case "xml":
      return () => escaped(output, page, xmlTextEncoder());
    case "raw":
      return raw(output, page, mostWholeBytes);
    case "json":
      return json(output, page, mostWholeBytes);
  }
}

async function* encoded(output: KeptOutput, encoder: ByteTextEncoder): AsyncGenerator<string> {
  for await (const piece of output.pieces()) yield encoder.write(piece);
  yield encoder.end();
}

async function* decoded(output: KeptOutput, page: CodePage): AsyncGenerator<string> {
  const decoder = page.decoder();
  for await (const piece of output.pieces()) yield decoder.write(piece);
  yield decoder.end();
}

async function* escaped(output: KeptOutput, page: CodePage, encoder: XmlTextEncoder): AsyncGenerator<string> {
  for await (const text of decoded(output, page)) yield encoder.write(text);
  yield encoder.end();
}

/** How markup begins, after a byte order mark and white space. */
const markup = /^\uFEFF?[\t\n\r ]*<(?:[\p{L}_:?]|!--|!\[CDATA\[)/u;

async function raw(output: KeptOutput, page: CodePage, mostWholeBytes: number): Promise<OutputContent> {
  const whole = output.byteLength <= mostWholeBytes ? await gathered(output, page) : null;
  const content = whole === null ? null : asElements(whole);
  if (whole !== null && content !== null) return () => without(output, page, whole.length - content.length);
  await checkHoldable(output, page, whole === null ? mostWholeBytes : null);
  return () => escaped(output, page, cdataEncoder());
}

/**
 * Throws unless CDATA can hold all of it. With a limit, an output that begins like markup is refused: it may be elements,
 * and to find out it would have to be held.
 */
async function checkHoldable(
  output: KeptOutput,
  page: CodePage,
  mostWholeBytes: number | null,
): Promise<void> {
  const encoder = cdataEncoder();
  let first = mostWholeBytes !== null;
  try {
    for await (const text of decoded(output, page)) {
      if (first && markup.test(text)) throw tooLong(output, "begins like XML", mostWholeBytes ?? 0);
      first &&= text.trim() === "";
      encoder.write(text);
    }
    encoder.end();
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    const instead = 'encode="hex" and encode="base64" give the bytes, encode="xml" replaces it';
    throw new OutputFormError(`${output.stream} has a character that XML cannot hold: ${instead}`);
  }
}

/** The text without its first characters. */
async function* without(output: KeptOutput, page: CodePage, characters: number): AsyncGenerator<string> {
  let left = characters;
  for await (const text of decoded(output, page)) {
    yield text.slice(left);
    left = Math.max(0, left - text.length);
  }
}

async function json(output: KeptOutput, page: CodePage, mostWholeBytes: number): Promise<OutputContent> {
  if (output.byteLength > mostWholeBytes) throw tooLong(output, "is to be JSON", mostWholeBytes);
  // A stream that nothing was written to is nothing, whatever the form.
  const text = output.byteLength === 0 ? "" : escapeText(toJson(output, await gathered(output, page)));
  return async function* () {
    yield text;
  };
}

function toJson(output: KeptOutput, text: string): string {
  try {
    return jsonFromXml(text);
  } catch (error) {
    if (!(error instanceof JsonFormError)) throw error;
    throw new OutputFormError(`${output.stream} is not the XML form of JSON: ${error.message}`);
  }
}

async function gathered(output: KeptOutput, page: CodePage): Promise<string> {
  const texts: string[] = [];
  for await (const text of decoded(output, page)) texts.push(text);
  return texts.join("");
}

function tooLong(output: KeptOutput, what: string, mostWholeBytes: number): OutputFormError {
  const found = `${output.stream} has ${output.byteLength} bytes and ${what}`;
  const allowed = `at most ${mostWholeBytes} are looked at as a whole (wholeTextBytes)`;
  return new OutputFormError(`${found}, ${allowed}; encode="xml", "hex" and "base64" give any length`);
}

import { setImmediate as turn } from "node:timers/promises";
import { type BodyForm, bodyText, formOf } from "./bodyText.ts";
import type { RequestElement } from "./element.ts";
import { EnvelopeReader, type XmlLimits } from "./envelope.ts";
import { invalid } from "./invalid.ts";
import { Screening } from "./screening.ts";

/** After so much text others get their turn. */
const turnCharacters = 512 * 1024;

/**
 * Reads the envelope: what is to be carried out, in its order. Nothing of it is carried out when anything is wrong.
 * Throws `invalid-request`.
 */
export async function readRequest(body: Uint8Array, limits: XmlLimits): Promise<RequestElement[]> {
  if (body.byteLength === 0) throw invalid("the body is empty; <request>…</request> is needed");
  const form = formOf(body);
  const screening = new Screening(limits);
  await eachPiece(body, form, (text) => screening.add(text));
  screening.end();
  const reader = new EnvelopeReader(form, limits);
  // Decoded once more: holding the text would take more than the body.
  await eachPiece(body, form, (text) => reader.write(text));
  return reader.end();
}

async function eachPiece(body: Uint8Array, form: BodyForm, take: (text: string) => void): Promise<void> {
  let characters = 0;
  for (const text of bodyText(body, form)) {
    take(text);
    characters += text.length;
    if (characters < turnCharacters) continue;
    characters = 0;
    await turn();
  }
}

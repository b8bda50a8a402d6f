import { decodeBase64, decodeHex } from "../../encoding/bytesText.ts";
import { EncodingError } from "../../encoding/errors.ts";
import { invalid } from "./invalid.ts";
import type { Pages } from "./pages.ts";
import type { Values } from "./values.ts";

/**
 * The bytes for the program's stdin; null when there is no text. `hex` and `base64` are the bytes themselves, any other
 * text is written in `input-encoding`, else in `codepage`, else in UTF-8. Throws `invalid-request`.
 */
export function readInput(values: Values, pages: Pages, text: string): Uint8Array | null {
  const encode = encoderOf(values, pages);
  if (text === "") return null;
  try {
    return encode(text);
  } catch (error) {
    if (error instanceof EncodingError) throw invalid(`input data: ${error.message}`);
    throw error;
  }
}

function encoderOf(values: Values, pages: Pages): (text: string) => Uint8Array {
  const name = "input-encoding";
  const spoken = pages.named(values, "codepage") ?? pages.utf8;
  switch (values.text(name)) {
    case undefined:
      return (text) => spoken.encode(text);
    case "hex":
      return decodeHex;
    case "base64":
      return decodeBase64;
    default: {
      const page = named(values, pages, name) ?? spoken;
      return (text) => page.encode(text);
    }
  }
}

function named(values: Values, pages: Pages, name: string) {
  try {
    return pages.named(values, name);
  } catch {
    throw values.wrong(name, "hex, base64, utf8, utf16, acp and numbers of code pages are allowed");
  }
}

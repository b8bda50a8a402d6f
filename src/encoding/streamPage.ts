import iconv from "iconv-lite";
import type { CodePage, TextStream } from "./codePages.ts";
import { encodeGb18030 } from "./gb18030.ts";
import { lackingError } from "./lacking.ts";

/** Decoders of the runtime, which hold half a character back rightly, where iconv-lite loses it. */
type RuntimeEncoding = "utf-8" | "utf-16le" | "utf-16be" | "gb18030" | "euc-jp";

/** A code page that the runtime decodes. A byte order mark is text like any other. */
export function runtimePage(number: number, encoding: RuntimeEncoding): CodePage {
  const decoder = () => runtimeStream(encoding);
  return {
    number,
    decoder,
    encode: (text) => encodeChecked({ text, number, decoder }, runtimeEncode(encoding)),
  };
}

/** A code page that iconv-lite both decodes and encodes. */
export function iconvPage(number: number, name: string): CodePage {
  const decoder = () => iconvStream(name);
  return {
    number,
    decoder,
    encode: (text) => encodeChecked({ text, number, decoder }, (whole) => iconv.encode(whole, name)),
  };
}

/** Decodes with the runtime; a new stream for each text. */
export function runtimeStream(encoding: RuntimeEncoding): TextStream {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return { write: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

function iconvStream(name: string): TextStream {
  const decoder = iconv.getDecoder(name, { stripBOM: false });
  return {
    write: ({ buffer, byteOffset, byteLength }) => decoder.write(Buffer.from(buffer, byteOffset, byteLength)),
    end: () => decoder.end() ?? "",
  };
}

function runtimeEncode(encoding: RuntimeEncoding): (text: string) => Uint8Array {
  if (encoding === "gb18030") return encodeGb18030;
  if (encoding === "utf-8") return (text) => new TextEncoder().encode(text);
  return (text) => iconv.encode(text, encoding);
}

interface Task {
  readonly text: string;
  readonly number: number;
  decoder(): TextStream;
}

/** Encoders put something else for what they lack: reading back what they wrote tells. */
function encodeChecked({ text, number, decoder }: Task, encode: (text: string) => Uint8Array): Uint8Array {
  const bytes = encode(text);
  const stream = decoder();
  const back = stream.write(bytes) + stream.end();
  if (back === text) return bytes;
  let position = 0;
  while (back.charCodeAt(position) === text.charCodeAt(position)) position++;
  // The second half of a pair may be what differs.
  const isSecondHalf = position > 0 && (text.codePointAt(position - 1) ?? 0) > 0xffff;
  throw lackingError(text, isSecondHalf ? position - 1 : position, number);
}

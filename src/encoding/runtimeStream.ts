import type { TextStream } from "./codePages.ts";

/** Encodings that the runtime decodes, which holds half a character back rightly, where iconv-lite loses it. */
export type RuntimeEncoding = "utf-8" | "utf-16le" | "utf-16be" | "gb18030" | "euc-jp";

/** Decodes with the runtime. A byte order mark is text like any other. */
export function runtimeStream(encoding: RuntimeEncoding): TextStream {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return { write: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

import iconv from "iconv-lite";
import type { CodePage, TextStream } from "./codePages.ts";
import { lackingError } from "./lacking.ts";

/** How a code page that is no table is read and written. `encode` may put something else for what it lacks. */
export interface Coding {
  readonly number: number;
  decoder(): TextStream;
  encode(text: string): Uint8Array;
}

/** A code page of a coding. Reading back what the encoder wrote tells what the code page lacks. */
export function streamPage({ number, decoder, encode }: Coding): CodePage {
  return {
    number,
    decoder,
    encode(text) {
      const { buffer, byteOffset, byteLength } = encode(text);
      // Not a Buffer, whose methods are not all those of an array of bytes.
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      const stream = decoder();
      const back = stream.write(bytes) + stream.end();
      if (back !== text) throw lackingError(text, firstDifference(text, back), number);
      return bytes;
    },
  };
}

/** UTF-32, by its name in iconv-lite. */
export function utf32Stream(name: "utf-32le" | "utf-32be"): TextStream {
  const decoder = iconv.getDecoder(name, { stripBOM: false });
  return {
    write: ({ buffer, byteOffset, byteLength }) => decoder.write(Buffer.from(buffer, byteOffset, byteLength)),
    end: () => decoder.end() ?? "",
  };
}

function firstDifference(text: string, back: string): number {
  let position = 0;
  while (back.charCodeAt(position) === text.charCodeAt(position)) position++;
  // The second half of a pair may be what differs.
  const isSecondHalf = position > 0 && (text.codePointAt(position - 1) ?? 0) > 0xffff;
  return isSecondHalf ? position - 1 : position;
}

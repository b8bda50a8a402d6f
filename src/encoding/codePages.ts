import iconv from "iconv-lite";
import { tableNames } from "./codePageTable.ts";
import { eucJpPage } from "./eucJp.ts";
import { encodeGb18030 } from "./gb18030.ts";
import { type RuntimeEncoding, runtimeStream } from "./runtimeStream.ts";
import { streamPage, utf32Stream } from "./streamPage.ts";
import { tablePage } from "./tablePage.ts";
import { encodeUtf7, utf7Stream } from "./utf7.ts";

/** Turns bytes into text, wherever the pieces are cut: half a character is held back, bad bytes become U+FFFD. */
export interface TextStream {
  write(bytes: Uint8Array): string;
  /** What was held back: U+FFFD for half a character. */
  end(): string;
}

/** A code page by its number in Windows. A byte order mark is text like any other, except in `utf16()`. */
export interface CodePage {
  readonly number: number;
  decoder(): TextStream;
  /** An EncodingError tells of the first character that the code page lacks: nothing is silently changed. */
  encode(text: string): Uint8Array;
}

const utf16Number = 1200;
const pages: ReadonlyMap<number, CodePage> = new Map(
  [
    ...[...tableNames].map(([number, name]) => tablePage(number, name)),
    runtimePage(65001, "utf-8", (text) => new TextEncoder().encode(text)),
    runtimePage(utf16Number, "utf-16le"),
    runtimePage(1201, "utf-16be"),
    runtimePage(54936, "gb18030", encodeGb18030),
    eucJpPage(20932),
    eucJpPage(51932),
    utf32Page(12000, "utf-32le"),
    utf32Page(12001, "utf-32be"),
    streamPage({ number: 65000, decoder: utf7Stream, encode: encodeUtf7 }),
  ].map((page) => [page.number, page]),
);

/** Numbers of all code pages there are, ascending. */
export const knownCodePages: readonly number[] = [...pages.keys()].sort((one, other) => one - other);

/** The code page of a number of Windows, null if it is not known. */
export function codePage(number: number): CodePage | null {
  return pages.get(number) ?? null;
}

/**
 * UTF-16 as its byte order mark says, little-endian without one. The mark is not text; none is written, and what is
 * written is little-endian: text that is to have a mark can begin with U+FEFF.
 */
export function utf16(): CodePage {
  return { ...runtimePage(utf16Number, "utf-16le"), decoder: markedUtf16Stream };
}

function runtimePage(
  number: number,
  name: RuntimeEncoding,
  encode: (text: string) => Uint8Array = (text) => iconv.encode(text, name),
): CodePage {
  return streamPage({ number, decoder: () => runtimeStream(name), encode });
}

function utf32Page(number: number, name: "utf-32le" | "utf-32be"): CodePage {
  return streamPage({ number, decoder: () => utf32Stream(name), encode: (text) => iconv.encode(text, name) });
}

const markBytes = 2;

function markedUtf16Stream(): TextStream {
  const start: number[] = [];
  let stream: TextStream | undefined;
  const choose = () => {
    const isBig = start[0] === 0xfe && start[1] === 0xff;
    const isMarked = isBig || (start[0] === 0xff && start[1] === 0xfe);
    stream = runtimeStream(isBig ? "utf-16be" : "utf-16le");
    return { stream, text: isMarked ? "" : stream.write(Uint8Array.from(start)) };
  };
  return {
    write(bytes) {
      if (stream !== undefined) return stream.write(bytes);
      const due = bytes.subarray(0, markBytes - start.length);
      start.push(...due);
      if (start.length < markBytes) return "";
      const chosen = choose();
      return chosen.text + chosen.stream.write(bytes.subarray(due.length));
    },
    end() {
      const begun = stream === undefined ? choose() : { stream, text: "" };
      stream = undefined;
      start.length = 0;
      return begun.text + begun.stream.end();
    },
  };
}

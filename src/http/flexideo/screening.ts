import { invalid } from "./invalid.ts";

/** What is looked for outside of comments, CDATA sections and processing instructions. */
const marks = /&|<!DOCTYPE|<!--|<!\[CDATA\[|<\?/g;
const longestMark = "<!DOCTYPE".length;

/** What begins so is not looked into, and ends so. */
const ends: Readonly<Record<string, string>> = { "<!--": "-->", "<![CDATA[": "]]>", "<?": "?>" };

/**
 * Looks through text before it is parsed: a document type is refused, since what it declares is harmless only where
 * nobody reads it, and references are counted, which the parser does not tell.
 */
export class Screening {
  readonly #mostReferences: number;
  #references = 0;
  /** What ends the stretch that is not looked into; null outside of one. */
  #end: string | null = null;
  /** Of the last piece, what may be the beginning of a mark. */
  #rest = "";

  constructor(mostReferences: number) {
    this.#mostReferences = mostReferences;
  }

  /** The next piece of the text. Throws `invalid-request`. */
  add(piece: string): void {
    const text = this.#rest + piece;
    let at: number | null = 0;
    while (at !== null) at = this.#end === null ? this.#look(text, at) : this.#skip(text, at, this.#end);
  }

  /** Where to go on; null at the end of the text. */
  #look(text: string, from: number): number | null {
    marks.lastIndex = from;
    const mark = marks.exec(text)?.[0];
    if (mark === undefined) {
      const open = text.lastIndexOf("<");
      this.#rest = open >= from && text.length - open < longestMark ? text.slice(open) : "";
      return null;
    }
    if (mark === "<!DOCTYPE") throw invalid("a document type declaration (<!DOCTYPE …>) is not allowed");
    if (mark === "&") this.#count();
    this.#end = ends[mark] ?? null;
    return marks.lastIndex;
  }

  #skip(text: string, from: number, end: string): number | null {
    const found = text.indexOf(end, from);
    if (found < 0) {
      this.#rest = text.slice(Math.max(from, text.length - end.length + 1));
      return null;
    }
    this.#end = null;
    return found + end.length;
  }

  #count(): void {
    this.#references += 1;
    if (this.#references <= this.#mostReferences) return;
    throw invalid(`at most ${this.#mostReferences} references such as &amp; are allowed (xmlReferences)`);
  }
}

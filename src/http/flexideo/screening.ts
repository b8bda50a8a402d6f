import type { Limits } from "../../core/limits.ts";
import { invalid } from "./invalid.ts";

/** What begins so is not looked into, and ends so. */
const asides = { "<!--": "-->", "<![CDATA[": "]]>", "<?": "?>" } as const;
const beginnings = Object.keys(asides) as (keyof typeof asides)[];

const doctype = "<!DOCTYPE";
const longestBeginning = doctype.length;

/**
 * Looks through a whole text before anything of it is parsed. A document type is refused, since what it declares is
 * harmless only where nobody reads it; references are counted, which the parser does not tell; what is never closed, or
 * has far too many tags, is refused before it costs more.
 */
export class Screening {
  readonly #limits: Pick<Limits, "xmlReferences" | "xmlNodes">;
  #references = 0;
  #tags = 0;
  /** What ends the stretch that is not looked into; null outside of one. */
  #end: string | null = null;
  /** Of the last piece, what may be a part of something longer. */
  #rest = "";
  /** The last character that is no white space. */
  #last = "";

  constructor(limits: Pick<Limits, "xmlReferences" | "xmlNodes">) {
    this.#limits = limits;
  }

  /** The next piece of the text. Throws `invalid-request`. */
  add(piece: string): void {
    this.#last = piece.trimEnd().at(-1) ?? this.#last;
    const text = this.#rest + piece;
    let at: number | null = 0;
    while (at !== null) at = this.#end === null ? this.#look(text, at) : this.#skip(text, at, this.#end);
  }

  /** All of the text has come. Throws `invalid-request`. */
  end(): void {
    // What is held back at the end is looked at as well.
    this.add(" ".repeat(longestBeginning));
    if (this.#end !== null) throw invalid(`the body ends where ${this.#end} is still missing`);
    if (this.#last !== ">") throw invalid("the body does not end with an element");
  }

  /** Where to go on; null at the end of the text. */
  #look(text: string, from: number): number | null {
    const marks = /[&<]/g;
    marks.lastIndex = from;
    for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
      if (mark[0] === "&") {
        this.#countReference();
        continue;
      }
      if (text.length - mark.index < longestBeginning) {
        this.#rest = text.slice(mark.index);
        return null;
      }
      this.#countTag();
      if (text.startsWith(doctype, mark.index)) {
        throw invalid("a document type declaration (<!DOCTYPE …>) is not allowed");
      }
      const aside = beginnings.find((beginning) => text.startsWith(beginning, mark.index));
      if (aside === undefined) continue;
      this.#end = asides[aside];
      return mark.index + aside.length;
    }
    this.#rest = "";
    return null;
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

  #countReference(): void {
    this.#references += 1;
    const { xmlReferences } = this.#limits;
    if (this.#references <= xmlReferences) return;
    throw invalid(`at most ${xmlReferences} references such as &amp; are allowed (xmlReferences)`);
  }

  /** An element has two tags. */
  #countTag(): void {
    this.#tags += 1;
    if (this.#tags > 2 * this.#limits.xmlNodes) throw tooManyNodes(this.#limits.xmlNodes);
  }
}

/** The error for a request with too much in it. */
export function tooManyNodes(most: number): Error {
  return invalid(
    `at most ${most} elements, comments, CDATA sections and processing instructions are allowed (xmlNodes)`,
  );
}

/** An element of the envelope: one thing to be carried out. */
export interface RequestElement {
  /** As it was written, with a prefix if it has one. */
  readonly name: string;
  /** The namespace that its prefix stands for; null when it has no prefix. */
  readonly namespace: string | null;
  /** Without declarations of namespaces. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Text of the element; of one CDATA section with nothing but white space around it, the section alone. */
  readonly text: string;
  /** The name of the first element in it; null when there is none. */
  readonly child: string | null;
}

/** Puts the text of an element together. */
export class ElementText {
  readonly #parts: string[] = [];
  readonly #sections: string[] = [];
  #blank = true;

  /** Text outside of sections. */
  addText(text: string): void {
    this.#parts.push(text);
    this.#blank &&= /^[\t\n\r ]*$/.test(text);
  }

  /** One CDATA section. */
  addSection(text: string): void {
    this.#parts.push(text);
    this.#sections.push(text);
  }

  /** All of it. White space that only lays out a section does not count. */
  whole(): string {
    const [section] = this.#sections;
    const laidOut = section !== undefined && this.#sections.length === 1 && this.#blank;
    return laidOut ? section : this.#parts.join("");
  }
}

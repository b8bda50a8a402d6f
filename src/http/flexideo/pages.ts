import { type CodePage, codePage, utf16 } from "../../encoding/codePages.ts";
import type { Values } from "./values.ts";

/** Numbers of the code pages that have no number in a request. */
export interface PageNumbers {
  readonly acp: number;
  readonly oem: number;
}

const utf8Number = 65_001;
const allowed = "utf8, utf16, acp and numbers of code pages as Windows knows them are allowed";

/** The code pages that requests may name. */
export class Pages {
  readonly #acp: CodePage;
  /** What programs speak unless a request says otherwise. */
  readonly oem: CodePage;
  readonly utf8 = known(utf8Number);

  /** Throws when one of them is not known. */
  constructor({ acp, oem }: PageNumbers) {
    this.#acp = known(acp);
    this.oem = known(oem);
  }

  /** The one that an attribute names; undefined when it is missing. Throws `invalid-request`. */
  named(values: Values, name: string): CodePage | undefined {
    const text = values.text(name);
    if (text === undefined) return undefined;
    const page = this.#find(text);
    if (page !== null) return page;
    throw values.wrong(name, allowed);
  }

  #find(text: string): CodePage | null {
    switch (text) {
      case "utf8":
        return this.utf8;
      case "utf16":
        return utf16();
      case "acp":
        return this.#acp;
      default:
        return /^[0-9]{1,6}$/.test(text) ? codePage(Number(text)) : null;
    }
  }
}

function known(number: number): CodePage {
  const page = codePage(number);
  if (page === null) throw new Error(`there is no code page ${number}`);
  return page;
}

import { SaxesParser, type SaxesStartTagNS, type SaxesTagNS } from "saxes";
import type { Limits } from "../../core/limits.ts";
import { type BodyForm, checkDeclared } from "./bodyText.ts";
import { ElementText, type RequestElement } from "./element.ts";
import { invalid, shown } from "./invalid.ts";
import { checkEnvelope, checkName, isDeclaration, root } from "./names.ts";
import { tooManyNodes } from "./screening.ts";

/** What bounds a request, beside the size of its body. */
export type XmlLimits = Pick<Limits, "xmlDepth" | "xmlAttributes" | "xmlReferences" | "xmlNodes">;

/** Names may be so long, in characters. */
const mostNameLength = 1_024;

/** An element whose end has not come yet. */
interface OpenElement extends Pick<RequestElement, "name" | "namespace" | "attributes"> {
  readonly text: ElementText;
  child: string | null;
}

/** Private to the parser, whose version is fixed. */
interface GatheredNames {
  readonly name: string;
  readonly entity: string;
  readonly piTarget: string;
}

/** Reads the text of a request, bounded in every direction. */
export class EnvelopeReader {
  readonly #form: BodyForm;
  readonly #limits: XmlLimits;
  readonly #parser: SaxesParser<{ xmlns: true }>;
  readonly #elements: RequestElement[] = [];
  #open: OpenElement | null = null;
  #declared = false;
  #rooted = false;
  #depth = 0;
  #nodes = 0;
  #attributes = 0;

  constructor(form: BodyForm, limits: XmlLimits) {
    this.#form = form;
    this.#limits = limits;
    this.#parser = this.#makeParser();
  }

  /** The next piece of the text. Throws `invalid-request`. */
  write(text: string): void {
    this.#parser.write(text);
    // What the parser has gathered of a name; it says so in no other way.
    const { name, entity, piTarget } = this.#parser as unknown as GatheredNames;
    for (const gathered of [name, entity, piTarget]) checkLength(gathered);
  }

  /** All of the text has come: what is to be carried out. Throws `invalid-request`. */
  end(): RequestElement[] {
    this.#parser.close();
    return this.#elements;
  }

  #makeParser(): SaxesParser<{ xmlns: true }> {
    // An answer is XML 1.0, which could not tell a command that came in 1.1.
    const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
    parser.on("error", ({ message }) => {
      throw invalid(`the body is no well-formed XML (line:column: why): ${message}`);
    });
    parser.on("xmldecl", ({ encoding }) => {
      this.#declared = true;
      checkDeclared(this.#form, encoding);
    });
    parser.on("opentagstart", (tag) => this.#begin(tag));
    parser.on("attribute", ({ name }) => this.#countAttribute(name));
    parser.on("opentag", (tag) => this.#opened(tag));
    parser.on("closetag", () => this.#closed());
    parser.on("comment", () => this.#countNode());
    parser.on("processinginstruction", ({ target, body }) => {
      this.#countNode();
      checkLength(target);
      // What the parser lets pass: `<?a?b?>`.
      if (body.startsWith("?")) throw invalid("white space is needed after the target of an instruction");
    });
    parser.on("text", (text) => {
      if (this.#depth === 1 && /[^\t\n\r ]/.test(text)) throw invalid(`text is not allowed in <${root}>`);
      if (this.#depth === 2) this.#open?.text.addText(text);
    });
    parser.on("cdata", (text) => {
      this.#countNode();
      if (this.#depth === 1) throw invalid(`text is not allowed in <${root}>`);
      if (this.#depth === 2) this.#open?.text.addSection(text);
    });
    return parser;
  }

  #begin({ name }: SaxesStartTagNS): void {
    const isFirst = !this.#rooted;
    this.#rooted = true;
    if (isFirst && !this.#declared) checkDeclared(this.#form, undefined);
    checkLength(name);
    this.#countNode();
    this.#attributes = 0;
    this.#depth += 1;
    const { xmlDepth } = this.#limits;
    if (this.#depth > xmlDepth) throw invalid(`elements may stand ${xmlDepth} deep in each other (xmlDepth)`);
    // Of a second root the parser will say that there may be one.
    if (isFirst && name !== root) throw invalid(`the root is ${shown(name)}, <${root}> is needed`);
  }

  #opened({ name, prefix, local, uri, attributes }: SaxesTagNS): void {
    const all = Object.values(attributes);
    for (const one of [{ name, local }, ...all]) checkName(one);
    const named = all.filter((attribute) => !isDeclaration(attribute));
    if (this.#depth === 1) checkEnvelope(named);
    if (this.#depth === 2) {
      const namespace = prefix === "" ? null : uri;
      const values = new Map(named.map((attribute) => [attribute.name, attribute.value]));
      this.#open = { name, namespace, attributes: values, text: new ElementText(), child: null };
    }
    if (this.#depth === 3 && this.#open !== null) this.#open.child ??= name;
  }

  #closed(): void {
    this.#depth -= 1;
    if (this.#depth !== 1 || this.#open === null) return;
    const { text, ...element } = this.#open;
    this.#elements.push({ ...element, text: text.whole() });
    this.#open = null;
  }

  #countAttribute(name: string): void {
    checkLength(name);
    this.#attributes += 1;
    const { xmlAttributes } = this.#limits;
    if (this.#attributes > xmlAttributes)
      throw invalid(`an element may have ${xmlAttributes} attributes (xmlAttributes)`);
  }

  #countNode(): void {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.xmlNodes) throw tooManyNodes(this.#limits.xmlNodes);
  }
}

function checkLength(name: string): void {
  if (name.length > mostNameLength) throw invalid(`a name may have ${mostNameLength} characters`);
}

/** As much of an element as a page's script needs, to be looked at afterwards. */
export class FakeElement {
  readonly attributes = new Map<string, string>();
  children: (FakeElement | string)[] = [];

  constructor(readonly name: string) {}

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  append(...children: (FakeElement | string)[]): void {
    for (const child of children) {
      if (typeof child !== "string" && !(child instanceof FakeElement))
        throw new Error(`no node: ${JSON.stringify(child)}`);
      this.children.push(child);
    }
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.children = [];
    this.append(...children);
  }

  /** All that it shows. */
  text(): string {
    return this.children.map((child) => (typeof child === "string" ? child : child.text())).join("");
  }

  /** Every element in it of that name. */
  all(name: string): FakeElement[] {
    return this.children.flatMap((child) =>
      typeof child === "string" ? [] : [...(child.name === name ? [child] : []), ...child.all(name)],
    );
  }

  /** The first element in it with that id. */
  byId(id: string): FakeElement | undefined {
    for (const child of this.children) {
      if (typeof child === "string") continue;
      const found = child.attributes.get("id") === id ? child : child.byId(id);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** A document whose one element with contents is `main`. */
export function fakeDocument() {
  const main = new FakeElement("main");
  const document = {
    createElement: (name: string) => new FakeElement(name),
    querySelector: (selector: string) => (selector === "main" ? main : null),
  };
  return { document, main };
}

const bodyBytes = 8 * 1024 * 1024;

/** So much of the text, repeated, that a body is full when the frame is around it. */
function full(text: string, frame = 1_000): string {
  return text.repeat(Math.floor((bodyBytes - frame) / text.length));
}

function nested(levels: number): string {
  const entities = Array.from({ length: levels }, (_, level) =>
    level === 0 ? '<!ENTITY a0 "ha">' : `<!ENTITY a${level} "${`&a${level - 1};`.repeat(10)}">`,
  );
  return `<!DOCTYPE request [${entities.join("")}]><request>&a${levels - 1};</request>`;
}

const inShell = (content: string) => `<request><shell command="cat">${content}</shell></request>`;
const numbered = (count: number, form: (number: number) => string) =>
  Array.from({ length: count }, (_, number) => form(number)).join("");

/** Documents that cost a careless parser time or memory, none larger than a body may be. All are to be refused. */
export const xmlBombs: Readonly<Record<string, () => string | Uint8Array<ArrayBuffer>>> = {
  "billion laughs": () => nested(10),
  "billion laughs, deeper": () => nested(100),
  "one entity, used often": () =>
    `<!DOCTYPE request [<!ENTITY a "${"x".repeat(100_000)}">]><request>${"&a;".repeat(100_000)}</request>`,
  "entity that holds itself": () => '<!DOCTYPE a [<!ENTITY a "&a;">]><a>&a;</a>',
  "external entity": () => '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><request>&a;</request>',
  "external entity over the net": () => '<!DOCTYPE a [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]><a>&a;</a>',
  "external document type": () => '<!DOCTYPE request SYSTEM "file:///dev/zero"><request/>',
  "public document type": () => '<!DOCTYPE request PUBLIC "-//A//B" "http://127.0.0.1:1/"><request/>',
  "parameter entities": () =>
    '<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///dev/random"><!ENTITY % c "%b;">%c;]><request/>',
  "attribute defaults": () =>
    `<!DOCTYPE request [<!ATTLIST shell ${numbered(100_000, (n) => `a${n} CDATA "x" `)}>]><request/>`,
  "document type of a full body": () => `<!DOCTYPE a [${full("<!ELEMENT a ANY>")}]><request/>`,
  "document type behind a long comment": () => `<!--${full(" ")}--><!DOCTYPE a><request/>`,
  "document type behind white space": () => `${full(" ")}<!DOCTYPE a><request/>`,
  "document type in UTF-16": () =>
    new Uint8Array(
      Buffer.from(`\ufeff<!DOCTYPE a [${"<!ELEMENT a ANY>".repeat(100_000)}]><request/>`, "utf16le"),
    ),
  "document type inside": () => inShell("<!DOCTYPE a>"),
  "deep, never closed": () => `<request>${full("<a>")}`,
  "deep and closed": () => `<request>${"<a>".repeat(1_000_000)}${"</a>".repeat(1_000_000)}</request>`,
  "deep by 65": () => `<request>${"<a>".repeat(64)}${"</a>".repeat(64)}</request>`,
  "wide, empty elements": () => `<request>${full("<a/>")}</request>`,
  "wide, shells": () => `<request>${full("<shell/>")}</request>`,
  "wide, pairs": () => inShell(full("<a></a>")),
  "wide, comments": () => `<request>${full("<!---->")}</request>`,
  "wide, instructions": () => `<request>${full("<?a?>")}</request>`,
  "wide, CDATA sections": () => inShell(full("<![CDATA[]]>")),
  "many attributes": () => `<request ${numbered(600_000, (n) => `a${n}="" `)}/>`,
  "65 attributes": () => `<request>${`<shell ${numbered(65, (n) => `a${n}="" `)}/>`}</request>`,
  "many namespaces": () => `<request ${numbered(300_000, (n) => `xmlns:a${n}="b" `)}/>`,
  "the same attribute": () => `<request><shell ${full('a="" ')}/></request>`,
  "many references": () => inShell(full("&amp;")),
  "many references by number": () => inShell(full("&#65;")),
  "many references in an attribute": () => `<request session="${full("&lt;")}"/>`,
  "10,001 references": () => inShell("&amp;".repeat(10_001)),
  "a long name": () => `<${full("a")}/>`,
  "a long name inside": () => `<request><${full("a")}/></request>`,
  "a long attribute name": () => `<request ${full("a")}=""/>`,
  "a long prefix": () => `<request><${full("a")}:b/></request>`,
  "a long reference": () => inShell(`&${full("a")};`),
  "a long number": () => inShell(`&#${full("9")};`),
  "a long root that is not ours": () => `<response a="${full("b")}"/>`,
  "a comment that never ends": () => `<request><!--${full("- ")}`,
  "a section that never ends": () => `<request><shell><![CDATA[${full("]")}`,
  "an instruction that never ends": () => `<request><?a ${full("?")}`,
  "an attribute that never ends": () => `<request session="${full("a")}`,
  "a declaration of a full body": () => `<?xml ${full("version='1.0' ")}?><request/>`,
  ampersands: () => `<request>${full("&")}</request>`,
  brackets: () => full("<"),
  "end tags": () => `<request>${full("</a>")}`,
  "exclamation marks": () => `<request>${full("<!")}</request>`,
  "text in the envelope": () => `<request>${full("x")}</request>`,
  "white space alone": () => full(" "),
  "no XML at all": () => full('{"a":'),
  "no UTF-8 at the end": () =>
    new Uint8Array(Buffer.concat([Buffer.from(inShell(full("x"))), Buffer.of(0xff)])),
};

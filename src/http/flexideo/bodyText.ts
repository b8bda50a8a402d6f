import { invalid } from "./invalid.ts";

/** How a body is written. */
type Form = "utf-8" | "utf-16le" | "utf-16be";

/** What the first bytes of a body say. */
export interface BodyForm {
  readonly form: Form;
  /** Bytes of the byte order mark. */
  readonly markBytes: number;
}

/** Decoded and parsed at once. */
const pieceBytes = 64 * 1024;

const marks: readonly (readonly [form: Form, ...bytes: number[]])[] = [
  ["utf-8", 0xef, 0xbb, 0xbf],
  ["utf-16le", 0xff, 0xfe],
  ["utf-16be", 0xfe, 0xff],
];

/** `<?`, with which a declaration begins, in UTF-16. */
const declarations: typeof marks = [
  ["utf-16le", 0x3c, 0x00, 0x3f, 0x00],
  ["utf-16be", 0x00, 0x3c, 0x00, 0x3f],
];

const declaredNames: Readonly<Record<Form, readonly string[]>> = {
  "utf-8": ["utf-8"],
  "utf-16le": ["utf-16", "utf-16le"],
  "utf-16be": ["utf-16", "utf-16be"],
};

/** Looks at the byte order mark, else at how a declaration begins; without both it is UTF-8. */
export function formOf(body: Uint8Array): BodyForm {
  const begins = ([, ...bytes]: (typeof marks)[number]) => bytes.every((byte, index) => body[index] === byte);
  const mark = marks.find(begins);
  if (mark !== undefined) return { form: mark[0], markBytes: mark.length - 1 };
  return { form: declarations.find(begins)?.[0] ?? "utf-8", markBytes: 0 };
}

/**
 * Holds the declaration against the bytes: a parser that believes another than this one would read another request.
 * `declared`: what the declaration says; undefined when it says nothing or there is none. Throws `invalid-request`.
 */
export function checkDeclared({ form, markBytes }: BodyForm, declared: string | undefined): void {
  if (declared === undefined) {
    if (form === "utf-8" || markBytes > 0) return;
    throw invalid("UTF-16 needs a byte order mark, or a declaration that names it");
  }
  if (declaredNames[form].includes(declared.toLowerCase())) return;
  const found = `the declaration says ${JSON.stringify(declared)}, the bytes are ${form.toUpperCase()}`;
  throw invalid(`${found}; UTF-8 and UTF-16 are allowed`);
}

/** The text of a body, piece by piece. Throws `invalid-request` for bytes that are not of that form. */
export function* bodyText(body: Uint8Array, { form, markBytes }: BodyForm): Generator<string> {
  const decoder = new TextDecoder(form, { fatal: true, ignoreBOM: true });
  for (let offset = markBytes; offset < body.byteLength; offset += pieceBytes) {
    const piece = body.subarray(offset, offset + pieceBytes);
    yield decoded(form, () => decoder.decode(piece, { stream: true }));
  }
  yield decoded(form, () => decoder.decode());
}

function decoded(form: Form, decode: () => string): string {
  try {
    return decode();
  } catch {
    throw invalid(`the body is not ${form.toUpperCase()}`);
  }
}

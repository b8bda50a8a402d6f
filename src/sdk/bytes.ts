const encoder = new TextEncoder();

/** All pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/** Bytes as JSON has them: whole characters, or base64. Null for what is neither. */
export interface WireBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Null when the characters are not whole. */
  readonly text: string | null;
}

/** Reads `text` or `base64`; null when neither is there. */
export function readBytes({ text, base64 }: Readonly<Record<string, unknown>>): WireBytes | null {
  if (typeof text === "string") return { bytes: encoder.encode(text), text };
  if (typeof base64 !== "string") return null;
  const bytes = fromBase64(base64);
  return bytes && { bytes, text: null };
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The fields of a JSON value; null when it has none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return isObject(value) ? value : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

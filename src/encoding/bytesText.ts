import { EncodingError } from "./errors.ts";

/** Turns bytes into text that holds the bytes themselves, piece by piece. */
export interface ByteTextEncoder {
  write(bytes: Uint8Array): string;
  end(): string;
}

/** stub */
export function hexEncoder(): ByteTextEncoder {
  throw new EncodingError("not yet", 0);
}
/** stub */
export function base64Encoder(): ByteTextEncoder {
  throw new EncodingError("not yet", 0);
}
/** stub */
export function urlEncoder(): ByteTextEncoder {
  throw new EncodingError("not yet", 0);
}
/** stub */
export function decodeHex(text: string): Uint8Array {
  throw new EncodingError(text, 0);
}
/** stub */
export function decodeBase64(text: string): Uint8Array {
  throw new EncodingError(text, 0);
}

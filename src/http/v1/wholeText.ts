import { isUtf8 } from "node:buffer";

/** Bytes of the longest character in UTF-8, less one. */
const mostMissing = 3;

/** How many bytes from the start are whole characters of UTF-8; 0 when there is something else than a cut at the end. */
export function wholeCharacters(bytes: Uint8Array): number {
  const cut = bytes.byteLength - incompleteTail(bytes);
  return isUtf8(bytes.subarray(0, cut)) ? cut : 0;
}

/** How many bytes at the end may be the begin of a character. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(mostMissing, bytes.byteLength); back += 1) {
    const byte = bytes[bytes.byteLength - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return byte >= 0xc0 && lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

function lengthOf(first: number): number {
  if (first >= 0xf5) return 1;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
}

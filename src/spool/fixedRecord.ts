/**
 * Text in a block of fixed size, with a checksum in front: eight hexadecimal digits, a blank, the text, blanks, a line
 * end. The block is on the disk before anything is in it, so that a full disk cannot keep the text out, and a torn
 * write is seen.
 */

const checksumDigits = 8;

/** A block that holds nothing yet. */
export function emptyRecord(blockBytes: number): Uint8Array {
  return Buffer.alloc(blockBytes, " ");
}

/** The block with this text. Throws when it is too long. */
export function encodeRecord(text: string, blockBytes: number): Uint8Array {
  const body = Buffer.alloc(blockBytes - checksumDigits, " ");
  const bytes = Buffer.from(` ${text}`);
  if (bytes.byteLength > body.byteLength - 1)
    throw new Error(`a record of ${bytes.byteLength} bytes is too long`);
  bytes.copy(body);
  body[body.byteLength - 1] = 0x0a;
  return Buffer.concat([Buffer.from(checksum(body)), body]);
}

/** The text of a block; null when it is empty, torn, or of another size. */
export function decodeRecord(block: Uint8Array, blockBytes: number): string | null {
  if (block.byteLength !== blockBytes) return null;
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const body = bytes.subarray(checksumDigits);
  if (bytes.toString("latin1", 0, checksumDigits) !== checksum(body)) return null;
  return body.toString("utf8").trim();
}

function checksum(body: Uint8Array): string {
  // The one of zlib; to load that whole module takes longer than to start a shim.
  return Bun.hash.crc32(body).toString(16).padStart(checksumDigits, "0");
}

/*
 * A frame: four bytes little endian with the number of bytes after them, one byte for the kind, the content. Kinds: a
 * message as JSON; bytes for stdin from a writer (one byte with the length of the writer's name, the name, the bytes);
 * bytes of a given stdin, which come before the job.
 */

/** A larger frame is no message of ours. */
export const mostFrameBytes = 64 * 1024 * 1024;

const lengthBytes = 4;
const kinds = { message: 1, input: 2, given: 3 } as const;

/** What a frame holds. The bytes are the receiver's own. */
export type Frame =
  | { readonly kind: "message"; readonly message: unknown }
  | { readonly kind: "input"; readonly writer: string; readonly bytes: Uint8Array }
  | { readonly kind: "given"; readonly bytes: Uint8Array };

/** The other side does not keep to the form. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** A message as a frame. */
export function messageFrame(message: object): Uint8Array {
  return frame(kinds.message, Buffer.from(JSON.stringify(message)));
}

/** Bytes for stdin; an empty name is nobody's in particular. A name has at most 255 bytes. */
export function inputFrame(writer: string, bytes: Uint8Array): Uint8Array {
  const name = Buffer.from(writer);
  return frame(kinds.input, Uint8Array.of(name.byteLength), name, bytes);
}

/** The next bytes of a given stdin. */
export function givenFrame(bytes: Uint8Array): Uint8Array {
  return frame(kinds.given, bytes);
}

function frame(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contentBytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 1);
  const whole = Buffer.allocUnsafe(lengthBytes + contentBytes);
  whole.writeUInt32LE(contentBytes);
  whole[lengthBytes] = kind;
  let at = lengthBytes + 1;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Puts frames together from pieces that are cut anywhere. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  /** The frames that are whole by now. Throws `FrameError`. */
  push(piece: Uint8Array): Frame[] {
    // The piece is the socket's, and may be filled anew.
    this.#pieces.push(piece.slice());
    this.#pieceBytes += piece.byteLength;
    const frames: Frame[] = [];
    for (;;) {
      const wanted = this.#wantedBytes();
      if (wanted === null || this.#pieceBytes < wanted) return frames;
      const all = this.#join();
      frames.push(decode(all.subarray(lengthBytes, wanted)));
      this.#pieces = wanted < all.byteLength ? [all.subarray(wanted)] : [];
      this.#pieceBytes = all.byteLength - wanted;
    }
  }

  /** Of the next frame with its length; null while that is not known. */
  #wantedBytes(): number | null {
    if (this.#pieceBytes < lengthBytes) return null;
    const [first] = this.#pieces;
    const head = first !== undefined && first.byteLength >= lengthBytes ? first : this.#join();
    const contentBytes = Buffer.from(head.buffer, head.byteOffset, lengthBytes).readUInt32LE();
    if (contentBytes === 0 || contentBytes > mostFrameBytes)
      throw new FrameError(`a frame of ${contentBytes} bytes`);
    return lengthBytes + contentBytes;
  }

  #join(): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && this.#pieces.length === 1) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}

function decode(content: Uint8Array): Frame {
  const rest = content.subarray(1);
  switch (content[0]) {
    case kinds.message:
      return { kind: "message", message: parse(rest) };
    case kinds.input: {
      const nameBytes = rest[0] ?? 0;
      if (rest.byteLength < 1 + nameBytes) throw new FrameError("a writer's name that is cut");
      const writer = Buffer.from(rest.subarray(1, 1 + nameBytes)).toString("utf8");
      return { kind: "input", writer, bytes: rest.subarray(1 + nameBytes) };
    }
    case kinds.given:
      return { kind: "given", bytes: rest };
    default:
      throw new FrameError(`a frame of kind ${content[0]}`);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw new FrameError("a message that is no JSON");
  }
}

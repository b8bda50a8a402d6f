import { joined } from "./bytes.ts";
import { ConnectionError } from "./errors.ts";

/** Frames of RFC 6455, as a client writes and reads them. */

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One whole message, or one control frame. */
export interface Message {
  readonly opcode: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** No server of Errand sends one as large. */
const mostMessageBytes = 16 * 1024 * 1024;
const mostControlBytes = 125;

/** A frame with the mask that clients must use. */
export function maskedFrame(kind: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = payload.byteLength;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(2 + extended + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | kind;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  const mask = crypto.getRandomValues(new Uint8Array(4));
  const start = 2 + extended + 4;
  frame.set(mask, start - 4);
  for (let at = 0; at < length; at += 1) frame[start + at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return frame;
}

/** Cuts bytes, as they come from the network, into messages. */
export class MessageReader {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes without which no more can be read. */
  #neededBytes = 2;
  /** The message that goes on over several frames. */
  #parts: { readonly opcode: number; readonly payloads: Uint8Array[]; bytes: number } | null = null;

  /** The messages that are whole with these bytes. Throws `ConnectionError` for what no server may send. */
  read(bytes: Uint8Array): Message[] {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.byteLength;
    // A large message is put together once, not with each piece of it.
    if (this.#pendingBytes < this.#neededBytes) return [];
    let rest = joined(this.#pending);
    const messages: Message[] = [];
    for (;;) {
      const frame = readFrame(rest);
      if (typeof frame === "number") {
        this.#neededBytes = frame;
        break;
      }
      rest = rest.subarray(frame.endBytes);
      const message = this.#take(frame);
      if (message !== null) messages.push(message);
    }
    this.#pending = [rest];
    this.#pendingBytes = rest.byteLength;
    return messages;
  }

  #take({ isLast, kind, payload }: Frame): Message | null {
    if (kind >= opcode.close) return { opcode: kind, payload };
    const isContinued = this.#parts !== null;
    if (isContinued !== (kind === opcode.continuation)) throw damaged("a message within another one");
    if (isLast && this.#parts === null) return { opcode: kind, payload };
    this.#parts ??= { opcode: kind, payloads: [], bytes: 0 };
    this.#parts.payloads.push(payload);
    this.#parts.bytes += payload.byteLength;
    if (this.#parts.bytes > mostMessageBytes) throw damaged("a message is too long");
    if (!isLast) return null;
    const message = { opcode: this.#parts.opcode, payload: joined(this.#parts.payloads) };
    this.#parts = null;
    return message;
  }
}

interface Frame {
  readonly isLast: boolean;
  readonly kind: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Of the whole frame. */
  readonly endBytes: number;
}

/** The first frame in the bytes; how many bytes it takes, as far as that can be told, when it is not whole. */
function readFrame(bytes: Uint8Array<ArrayBuffer>): Frame | number {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return 2;
  if ((first & 0x70) !== 0) throw damaged("a frame has bits that were not agreed on");
  if ((second & 0x80) !== 0) throw damaged("a frame of the server is masked");
  const short = second & 0x7f;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  if (bytes.byteLength < start) return start;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short;
  const [isLast, kind] = [(first & 0x80) !== 0, first & 0x0f];
  if (length > mostMessageBytes) throw damaged("a message is too long");
  if (kind >= opcode.close && (!isLast || length > mostControlBytes))
    throw damaged("a control frame is too long");
  const endBytes = start + length;
  if (bytes.byteLength < endBytes) return endBytes;
  return { isLast, kind, payload: bytes.slice(start, endBytes), endBytes };
}

function damaged(what: string): ConnectionError {
  return new ConnectionError(`no WebSocket of Errand: ${what}`);
}

/** One frame of RFC 6455, right or wrong. */
export interface FrameOptions {
  readonly opcode?: number;
  /** False: more of the message follows. */
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  /** What the head says instead of the payload's length. */
  readonly saidLength?: number | bigint;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as a client sends it. */
export function frame(payload: string | Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = opcodes.binary, fin = true, masked = true, reserved = 0, saidLength } = options;
  const bytes = Buffer.from(payload);
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const length = saidLength ?? bytes.length;
  const maskBit = masked ? 0x80 : 0;
  if (length <= 125) head.push(maskBit | Number(length));
  else if (length <= 0xffff) head.push(maskBit | 126, Number(length) >> 8, Number(length) & 0xff);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(length));
    head.push(maskBit | 127, ...wide);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), bytes]);
  const key = Buffer.of(0x1a, 0x2b, 0x3c, 0x4d);
  const hidden = bytes.map((byte, index) => byte ^ (key[index % 4] ?? 0));
  return Buffer.concat([Buffer.from(head), key, hidden]);
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Takes frames of a server out of bytes as they come. Fails at one that a server must not send. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const found = this.#next();
      if (found === null) return;
      yield found;
    }
  }

  #next(): Frame | null {
    const [first = 0, second = 0] = this.#rest;
    if (this.#rest.length < 2) return null;
    if ((first & 0xf0) !== 0x80 || second > 127) throw new Error(`a wrong frame: ${first} ${second}`);
    const wide = second === 126 ? 2 : second === 127 ? 8 : 0;
    const begin = 2 + wide;
    if (this.#rest.length < begin) return null;
    const length =
      wide === 0 ? second : wide === 2 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
    if (this.#rest.length < begin + length) return null;
    const payload = this.#rest.subarray(begin, begin + length);
    this.#rest = this.#rest.subarray(begin + length);
    return { opcode: first & 0x0f, payload };
  }
}

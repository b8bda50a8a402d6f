import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { roomIn } from "./backpressure.ts";
import { SentChunks } from "./sentChunks.ts";

const mostWaiting = 512 * 1024;
const largest = 64 * 1024;

let server: Server | null = null;
afterEach(() => server?.close());

/** No byte is 0xff, which is what a chunk would be whose memory somebody else got. */
const patternOf = (turn: number) => turn % 251;

interface Sent {
  bytes: number;
  /** Bytes of chunks whose memory was not given back, at most. */
  mostHeldBytes: number;
  patterns: { readonly byte: number; readonly length: number }[];
}

/** Writes chunks of many sizes as fast as the client lets it. */
async function flood(
  response: ServerResponse,
  { count, sizes }: { count: number; sizes: number },
): Promise<Sent> {
  const sent: Sent = { bytes: 0, mostHeldBytes: 0, patterns: [] };
  response.writeHead(200, { "Content-Type": "application/octet-stream" });
  response.flushHeaders();
  const chunks = new SentChunks(response);
  const written: Uint8Array[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const chunk = new Uint8Array(1 + ((turn * 7919) % sizes)).fill(patternOf(turn));
    sent.patterns.push({ byte: patternOf(turn), length: chunk.byteLength });
    sent.bytes += chunk.byteLength;
    written.push(chunk);
    chunks.write(chunk);
    while (response.writableLength >= mostWaiting) await roomIn(response);
    chunks.release();
    // Memory that was given back is soon used for something else.
    new Uint8Array(largest).fill(0xff);
    // An array whose memory was given back has no length left.
    const held = written.slice(-1_000).reduce((sum, { byteLength }) => sum + byteLength, 0);
    sent.mostHeldBytes = Math.max(sent.mostHeldBytes, held);
  }
  response.end();
  return sent;
}

/** A client that stops again and again. */
async function readInFits(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) {
    pieces.push(piece);
    if (pieces.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return Buffer.concat(pieces);
}

/** The body of a chunked answer. */
function unframed(answer: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = answer.indexOf("\r\n\r\n") + 4;
  for (;;) {
    const end = answer.indexOf("\r\n", at);
    const length = Number.parseInt(answer.toString("latin1", at, end), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(answer.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

async function through(options: { count: number; sizes: number }): Promise<{ sent: Sent; body: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<Sent>();
  server = createServer((_, response) => flood(response, options).then(resolve));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const body = unframed(await readInFits(socket));
  return { sent: await promise, body };
}

describe("chunks whose memory is given back", () => {
  for (const { name, count, sizes } of [
    { name: "large", count: 1_500, sizes: largest },
    { name: "small", count: 20_000, sizes: 2_000 },
  ]) {
    test(`${name} ones arrive as they were, and only what waits is held`, async () => {
      const { sent, body } = await through({ count, sizes });
      expect(body.byteLength).toBe(sent.bytes);
      let at = 0;
      const wrong = sent.patterns.filter(({ byte, length }) => {
        const piece = body.subarray(at, at + length);
        at += length;
        return !piece.every((got) => got === byte);
      });
      expect(wrong).toEqual([]);
      // What waits may be a little more than the mark, and the small ones are left to collections.
      expect(sent.mostHeldBytes).toBeLessThanOrEqual(mostWaiting + 2 * largest + 1_000 * 1_024);
    }, 30_000);
  }
});

import { connect, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";
import { type RawRequest, requestBytes } from "../../support/raw-request.ts";
import type { Server } from "../../support/server.ts";
import { within } from "../../support/wait.ts";

const mostAtOnce = 1024 * 1024;

/** Reads a chunked answer of any length at a pace that the caller sets, checks each byte if told to, and keeps none. */
export class BodyReader {
  readonly #socket: Socket;
  readonly #expected: Buffer | null;
  readonly #ended: Promise<void>;
  /** Bytes of the body so far. */
  received = 0;
  /** Pieces that were not as expected. */
  wrong = 0;
  /** The last chunk was seen. */
  complete = false;
  /** Bytes that may still be read; the reader stops when there are none. */
  #allowance = 0;
  #head = "";
  #inHead = true;
  #line = "";
  #leftInChunk = 0;

  /** `byte` is what the whole body is to consist of; null when anything may come. */
  constructor(server: Server, request: RawRequest, byte: number | null) {
    this.#expected = byte === null ? null : Buffer.alloc(mostAtOnce, byte);
    const { host, port } = server;
    this.#socket = connect({ host, port });
    this.#socket.pause();
    this.#ended = new Promise((resolve) => {
      for (const event of ["end", "error", "close"]) this.#socket.on(event, () => resolve());
      this.#socket.on("data", (bytes: Buffer) => {
        this.#take(bytes);
        this.#allowance -= bytes.length;
        if (this.#allowance <= 0) this.#socket.pause();
        if (this.complete) resolve();
      });
    });
    this.#socket.write(requestBytes(server, request));
    atEnd(async () => this.close());
  }

  /** Lets it read this many bytes more, and what has come with them. */
  allow(bytes: number): void {
    // The runtime may have delivered more at once than was allowed: then the reader waits for longer.
    this.#allowance += bytes;
    if (this.#allowance > 0) this.#socket.resume();
  }

  /** Reads all that is left. */
  async readAll(timeoutMilliseconds: number): Promise<void> {
    this.allow(Number.POSITIVE_INFINITY);
    await within(this.#ended, {
      timeoutMilliseconds,
      describe: () => `the end after ${this.received} bytes`,
    });
  }

  /** Leaves (FIN). */
  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    if (this.#inHead) {
      this.#head += rest.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#inHead = false;
      rest = rest.subarray(rest.length - (this.#head.length - end - 4));
      if (!/^HTTP\/1\.1 200 .*\r\ntransfer-encoding: chunked\r\n/is.test(this.#head)) {
        throw new Error(`not a stream: ${this.#head.slice(0, 200)}`);
      }
    }
    while (rest.length > 0) rest = this.#leftInChunk > 0 ? this.#takeBody(rest) : this.#takeLine(rest);
  }

  #takeBody(bytes: Buffer): Buffer {
    const body = bytes.subarray(0, Math.min(this.#leftInChunk, mostAtOnce));
    this.#leftInChunk -= body.length;
    this.received += body.length;
    if (this.#expected && !body.equals(this.#expected.subarray(0, body.length))) this.wrong += 1;
    return bytes.subarray(body.length);
  }

  /** The size of a chunk, or the empty line behind one. */
  #takeLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(10);
    if (end < 0) {
      this.#line += bytes.toString("latin1");
      return bytes.subarray(bytes.length);
    }
    const line = (this.#line + bytes.subarray(0, end).toString("latin1")).trim();
    this.#line = "";
    if (line !== "") {
      this.#leftInChunk = Number.parseInt(line, 16);
      if (Number.isNaN(this.#leftInChunk)) throw new Error(`not a chunk: ${line.slice(0, 80)}`);
      if (this.#leftInChunk === 0) this.complete = true;
    }
    return bytes.subarray(end + 1);
  }
}

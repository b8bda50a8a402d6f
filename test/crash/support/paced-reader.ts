import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";
import { requestBytes } from "../../support/raw-request.ts";
import type { Server } from "../../support/server.ts";
import { until } from "../../support/wait.ts";

/** Gets an answer with a length over a connection of its own, reads when it is told to, and holds only its hash. */
export class PacedReader {
  readonly #socket: Socket;
  readonly #hash = createHash("sha256");
  #head = "";
  #inHead = true;
  #closed = false;
  /** What the head says. */
  length = Number.NaN;
  received = 0;

  constructor(server: Server, path: string) {
    const { host, port } = server;
    this.#socket = connect({ host, port });
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    for (const event of ["end", "error", "close"]) {
      this.#socket.on(event, () => {
        this.#closed = true;
      });
    }
    this.#socket.write(requestBytes(server, { method: "GET", path }));
    atEnd(async () => this.close());
  }

  /** Waits for the head, and reads no more. */
  async headAlone(): Promise<void> {
    await until(() => !this.#inHead || this.#closed, { describe: "the head of the output" });
    this.#socket.pause();
  }

  /** Reads to the end; the hash of all that came. */
  async readAll(timeoutMilliseconds: number): Promise<string> {
    this.#socket.resume();
    const over = () => this.#closed || this.received >= this.length;
    await until(over, { timeoutMilliseconds, describe: () => `all after ${this.received} bytes` });
    return this.#hash.digest("hex");
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let body = bytes;
    if (this.#inHead) {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#inHead = false;
      this.length = Number(/^HTTP\/1\.1 200 .*\r\ncontent-length: (\d+)\r\n/is.exec(this.#head)?.[1]);
      body = bytes.subarray(bytes.length - (this.#head.length - end - 4));
    }
    this.#hash.update(body);
    this.received += body.length;
  }
}

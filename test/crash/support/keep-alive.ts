import { connect, type Socket } from "node:net";
import { type Answer, decodeAnswer } from "../../support/answer.ts";
import { atEnd } from "../../support/cleanup.ts";
import { type RawRequest, requestBytes } from "../../support/raw-request.ts";
import type { Server } from "../../support/server.ts";
import { within } from "../../support/wait.ts";

const answerTimeoutMilliseconds = 30_000;

/** One connection that carries one request after another, and decodes an answer only when it may be whole. */
export class KeepAlive {
  #socket: Socket | null = null;
  #chunks: Buffer[] = [];
  #closed = true;
  #wake = () => {};

  constructor(readonly server: Server) {
    atEnd(async () => this.close());
  }

  /** Sends a request and gives its answer, whole or cut. */
  async request(request: RawRequest): Promise<Answer> {
    await this.send(request);
    return this.whole();
  }

  /** Sends a request, over a new connection when the server has closed the last one. */
  async send(request: RawRequest): Promise<void> {
    if (this.#closed) await this.#connect();
    this.#socket?.write(requestBytes(this.server, request));
  }

  /** The answer's head, and what has come behind it. */
  async head(): Promise<Answer> {
    await this.#until(() => this.#closed || this.#answer().head, "the head of an answer");
    return this.#answer();
  }

  /** The answer to its end; the next one is read after it. */
  async whole(): Promise<Answer> {
    let answer: Answer | undefined;
    const over = () => {
      if (!this.#closed && !this.#mayBeWhole()) return false;
      answer = this.#answer();
      return answer.complete || answer.cut;
    };
    await this.#until(over, "the end of an answer");
    if (answer === undefined) throw new Error("no answer");
    this.#chunks = answer.rest.length > 0 ? [answer.rest] : [];
    return answer;
  }

  /** Ends both sides (FIN). */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #answer(): Answer {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return decodeAnswer(bytes, this.#closed);
  }

  /** Most pieces of a long stream do not end in a last chunk; decoding them all again and again would cost too much. */
  #mayBeWhole(): boolean {
    const first = this.#chunks[0]?.subarray(0, 2_048).toString("latin1") ?? "";
    if (!/\r\ntransfer-encoding: chunked\r\n/i.test(first)) return true;
    return Buffer.concat(this.#chunks.slice(-5)).subarray(-5).toString("latin1") === "0\r\n\r\n";
  }

  async #connect(): Promise<void> {
    const { host, port } = this.server;
    const socket = connect({ host, port });
    this.#socket = socket;
    this.#chunks = [];
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    await within(connected, { describe: "a connection to the server" });
    this.#closed = false;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    const closed = () => {
      if (this.#socket === socket) this.#closed = true;
      this.#wake();
    };
    for (const event of ["end", "error", "close"]) socket.on(event, closed);
  }

  async #until(condition: () => boolean, describe: string): Promise<void> {
    const reached = new Promise<void>((resolve, reject) => {
      this.#wake = () => {
        try {
          if (condition()) resolve();
        } catch (error) {
          reject(error);
        }
      };
    });
    this.#wake();
    try {
      await within(reached, { timeoutMilliseconds: answerTimeoutMilliseconds, describe });
    } finally {
      this.#wake = () => {};
    }
  }
}

/** Does `total` pieces of work over as many connections as said, each connection one after the other. */
export async function overConnections(
  server: Server,
  { connections, total }: { connections: number; total: number },
  work: (connection: KeepAlive, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const follow = async () => {
    const connection = new KeepAlive(server);
    while (next < total) {
      next += 1;
      await work(connection, next - 1);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, follow));
}

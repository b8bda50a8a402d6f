import { connect, type Socket } from "node:net";
import { type Answer, decodeAnswer } from "./answer.ts";
import { atEnd } from "./cleanup.ts";
import type { Server } from "./running-server.ts";
import { until, within } from "./wait.ts";

export type Ending = "open" | "ended" | "reset";

/** A TCP connection that does just what it is told: it can half-close, reset and stop reading. */
export class RawConnection {
  private chunks: Buffer[] = [];
  private listeners = new Set<() => void>();
  /** How many bytes have come. */
  length = 0;
  /** Whether the server has ended its sending side, or broken the connection. */
  ending: Ending = "open";

  constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.notify();
    });
    socket.on("end", () => this.end("ended"));
    socket.on("error", () => this.end("reset"));
    // A connection that closes without an end of its stream was broken.
    socket.on("close", () => this.end("reset"));
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Waits until the kernel has taken all that was sent, or the connection is over. */
  async sent(): Promise<void> {
    const taken = () => this.socket.destroyed || this.ending !== "open" || this.socket.writableLength === 0;
    await until(taken, { describe: "the kernel to take what was sent" });
  }

  /** All bytes so far. */
  bytes(): Buffer {
    const all = Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }

  text(): string {
    return this.bytes().toString("latin1");
  }

  /** The first answer as far as it has come. */
  answer(): Answer {
    return decodeAnswer(this.bytes(), this.ending !== "open");
  }

  /** The job that the head of the answer names. */
  get jobId(): string {
    return this.answer().headers["errand-job-id"] ?? "";
  }

  /** Waits for bytes or an end that make the condition true. */
  async until(condition: () => boolean, describe: string, timeoutMilliseconds = 10_000): Promise<void> {
    let check = () => {};
    const reached = new Promise<void>((resolve) => {
      check = () => {
        if (condition()) resolve();
      };
    });
    this.listeners.add(check);
    check();
    const state = () =>
      `${describe}; ${this.ending} after ${this.length} bytes: ${this.text().slice(0, 500)}`;
    try {
      await within(reached, { timeoutMilliseconds, describe: state });
    } finally {
      this.listeners.delete(check);
    }
  }

  /** Waits for the head of the answer. */
  async untilHead(timeoutMilliseconds?: number): Promise<Answer> {
    await this.until(() => this.answer().head, "the head of the answer", timeoutMilliseconds);
    return this.answer();
  }

  /** Waits until the answer is whole, or the server has ended or broken the connection. */
  async untilAnswered(timeoutMilliseconds?: number): Promise<Answer> {
    const over = () => this.ending !== "open" || this.answer().complete;
    await this.until(over, "the end of the answer", timeoutMilliseconds);
    return this.answer();
  }

  async untilClosed(timeoutMilliseconds?: number): Promise<Ending> {
    await this.until(() => this.ending !== "open", "the end of the connection", timeoutMilliseconds);
    return this.ending;
  }

  /** Stops reading: the kernel's buffers fill, then the server's sending blocks. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends the sending side alone (FIN) and goes on reading. */
  halfClose(): void {
    this.socket.end();
  }

  /** Breaks the connection (RST). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends both sides (FIN). */
  close(): void {
    this.socket.destroy();
  }

  private end(ending: Ending): void {
    if (this.ending === "open") this.ending = ending;
    this.notify();
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Connects to the server; the connection is closed with the test file. */
export async function rawConnection(server: Server): Promise<RawConnection> {
  const { socketPath, port, host } = server;
  const target = socketPath === undefined ? { port, host } : { path: socketPath };
  const socket = connect({ ...target, allowHalfOpen: true });
  const connection = new RawConnection(socket);
  atEnd(async () => connection.close());
  const connected = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  await within(connected, { describe: "a connection to the server" });
  return connection;
}

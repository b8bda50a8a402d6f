import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { atEnd } from "./cleanup.ts";
import { until } from "./wait.ts";

/** One callback as it came. */
export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
  id: string;
}

/** Answers one callback; `earlier` is how many came before it. */
export type Behaviour = (response: ServerResponse, received: Received, earlier: number) => void;

export const answering =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end();

/** Refuses so many, then takes all. */
export const failing =
  (times: number, failure = answering(500)): Behaviour =>
  (response, received, earlier) =>
    (earlier < times ? failure : answering(204))(response, received, earlier);

/** Closes the connection without an answer. */
export const closing: Behaviour = (response) => response.socket?.destroy();

/** A real HTTP server on loopback that callbacks are sent to. It notes a callback before it answers. */
export class Receiver {
  readonly received: Received[] = [];
  /** Connections, with those on which nothing was sent. */
  connections = 0;
  behaviour: Behaviour;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on("connection", (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Listens on loopback, on a free port unless it is said. */
  static async start(
    behaviour: Behaviour = answering(204),
    { port = 0, host = "127.0.0.1" }: { port?: number; host?: string } = {},
  ): Promise<Receiver> {
    const receiver = new Receiver(behaviour);
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once("error", reject);
      receiver.#server.listen(port, host, resolve);
    });
    atEnd(() => receiver.stop());
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = "/", host = "127.0.0.1"): string {
    return `http://${host}:${this.port}${path}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  get ids(): Set<string> {
    return new Set(this.received.map(({ id }) => id));
  }

  /** Waits until so many have come. */
  async untilReceived(count: number, timeoutMilliseconds?: number): Promise<Received[]> {
    const describe = () => `${count} callbacks, there are ${this.received.length}`;
    const options = timeoutMilliseconds === undefined ? { describe } : { describe, timeoutMilliseconds };
    await until(() => this.received.length >= count, options);
    return this.received;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
    const body = Buffer.concat(chunks).toString();
    const received = { path: request.url ?? "", headers, body, id: headers["webhook-id"] ?? "" };
    const earlier = this.received.push(received) - 1;
    this.behaviour(response, received, earlier);
  }
}

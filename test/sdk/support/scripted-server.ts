import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";

/** One request as it came. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers one request with any bytes at any time; `number` counts the requests from 0. */
export type Script = (asked: Asked, answer: Answer, number: number) => void | Promise<void>;

/** What a script does with the connection of its request. */
export class Answer {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The client has closed, or was cut off. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** Bytes as they are. */
  raw(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** A whole answer. */
  json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): void {
    const body = Buffer.from(value === undefined ? "" : JSON.stringify(value));
    const type = status < 400 ? "application/json" : "application/problem+json";
    this.head(status, { "content-type": type, "content-length": String(body.byteLength), ...headers });
    this.raw(body);
  }

  /** A refusal as the server words them. */
  problem(status: number, code: string, headers: Readonly<Record<string, string>> = {}): void {
    this.json({ type: "about:blank", title: "", status, code, detail: `no: ${code}` }, status, headers);
  }

  head(status: number, headers: Readonly<Record<string, string>>): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.raw(`HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`);
  }

  /** The head of a stream of chunks. */
  stream(type = "application/x-ndjson", headers: Readonly<Record<string, string>> = {}): void {
    this.head(200, { "content-type": type, "transfer-encoding": "chunked", ...headers });
  }

  chunk(bytes: string | Uint8Array): void {
    const data = Buffer.from(bytes);
    if (data.byteLength > 0) this.raw(chunked(data));
  }

  /** The clean end of a stream. */
  finish(): void {
    this.raw("0\r\n\r\n");
  }

  /** The connection ends, behind what has been sent. */
  cut(): void {
    this.#socket.end();
  }

  /** The connection breaks; what is on its way may be lost. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** Bytes as one chunk of a chunked answer. */
export function chunked(data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${data.byteLength.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

/** A server on loopback that does just what its script says. */
export class ScriptedServer {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(script: Script, port = 0): Promise<ScriptedServer> {
    const server = new ScriptedServer(script);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(port, "127.0.0.1", resolve);
    });
    atEnd(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let found = readRequest(bytes); found !== null; found = readRequest(bytes)) {
        bytes = bytes.subarray(found.end);
        const number = this.asked.push(found.asked) - 1;
        void this.script(found.asked, new Answer(socket), number);
      }
    });
  }
}

/** The first request in the bytes; null when it is not whole yet. */
function readRequest(bytes: Buffer): { readonly asked: Asked; readonly end: number } | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [first = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const end = headEnd + 4 + Number(headers["content-length"] ?? 0);
  if (bytes.byteLength < end) return null;
  const [method = "", target = ""] = first.split(" ");
  const { pathname, searchParams } = new URL(target, "http://scripted");
  return {
    asked: { method, path: pathname, query: searchParams, headers, body: bytes.subarray(headEnd + 4, end) },
    end,
  };
}

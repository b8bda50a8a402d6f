import { reasonOf } from "./address.ts";
import { tokenHeaders } from "./credential.ts";
import { ConnectionError } from "./errors.ts";
import { type Closing, type FrameSocket, MessageQueue, type SocketCall } from "./frameSocket.ts";
import { errorOf } from "./problem.ts";
import { type Message, MessageReader, maskedFrame, opcode } from "./socketFrames.ts";

/** As much as waits before reading stops, and the sender with it. */
const mostWaitingBytes = 256 * 1024;
const mostRefusalBytes = 64 * 1024;
/** How long the other side may take to answer a close. */
const closeSeconds = 2;
const handshakeKeyBytes = 16;
/** Ends the handshake's key, as RFC 6455 has it. */
const handshakeSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What is used of the sockets of Node and Bun. */
interface Stream {
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "close" | "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}
interface Connection extends Stream {
  write(bytes: Uint8Array): boolean;
  destroy(): unknown;
  setNoDelay(noDelay: boolean): unknown;
}
interface Answer extends Stream {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}
interface Request {
  on(event: "upgrade", listener: (answer: Answer, connection: Connection, head: Uint8Array) => void): unknown;
  on(event: "response", listener: (answer: Answer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  end(): unknown;
  destroy(): unknown;
}
interface HttpModule {
  request(url: string, options: Readonly<Record<string, unknown>>): Request;
}
interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
}

function httpModule(name: "node:http" | "node:https"): HttpModule | undefined {
  return (globalThis as Runtime).process?.getBuiltinModule?.(name) as HttpModule | undefined;
}

/** True in Node, Bun and what is like them: there a client can say with which headers it comes, and stop reading. */
export function hasNodeSockets(): boolean {
  return httpModule("node:http") !== undefined;
}

/** Opens a WebSocket. Throws `ErrandError` when the server says no, `ConnectionError`. */
export async function openNodeSocket(call: SocketCall): Promise<FrameSocket> {
  const module = httpModule(call.url.startsWith("https:") ? "node:https" : "node:http");
  if (module === undefined) throw new ConnectionError("this platform has no sockets");
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(handshakeKeyBytes))));
  const accept = await acceptOf(key);
  const request = module.request(call.url, {
    // A connection of its own: after a failed upgrade it is not used again.
    agent: false,
    ...(call.socketPath === undefined ? {} : { socketPath: call.socketPath }),
    headers: {
      ...tokenHeaders(call.token),
      ...{ Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
      ...{ "Sec-WebSocket-Key": key, "Sec-WebSocket-Protocol": call.protocol },
    },
  });
  return await new Promise<FrameSocket>((resolve, reject) => {
    const cut = () => {
      request.destroy();
      reject(new ConnectionError("the call was ended"));
    };
    call.signal.addEventListener("abort", cut, { once: true });
    request.on("error", (error) => reject(new ConnectionError(reasonOf(error), { cause: error })));
    request.on("response", (answer) => refusalOf(answer).then(reject, reject));
    request.on("upgrade", ({ headers }, connection, head) => {
      call.signal.removeEventListener("abort", cut);
      const socket = new NodeFrameSocket(connection, head, call.signal);
      if (headers["sec-websocket-accept"] === accept && headers["sec-websocket-protocol"] === call.protocol)
        return resolve(socket);
      socket.destroy();
      reject(new ConnectionError(`the server does not speak ${call.protocol}`));
    });
    request.end();
  });
}

async function acceptOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key + handshakeSuffix));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** The error that an answer tells instead of an upgrade. */
function refusalOf(answer: Answer): Promise<Error> {
  return new Promise((resolve) => {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    const told = () => {
      const headers = new Headers();
      const retryAfter = answer.headers["retry-after"];
      if (typeof retryAfter === "string") headers.set("retry-after", retryAfter);
      const status = answer.statusCode ?? 0;
      // What is no status of an answer cannot be put into one.
      const isStatus = status >= 200 && status < 600 && ![204, 205, 304].includes(status);
      if (!isStatus) return resolve(new ConnectionError(`${status} instead of an upgrade`));
      return resolve(errorOf(new Response(new Blob(pieces), { status, headers })));
    };
    answer.on("data", (piece) => {
      bytes += piece.byteLength;
      if (bytes <= mostRefusalBytes) pieces.push(piece.slice() as Uint8Array<ArrayBuffer>);
    });
    answer.on("end", told);
    answer.on("close", told);
    answer.on("error", told);
  });
}

class NodeFrameSocket implements FrameSocket {
  readonly hasOverflowed = false;
  readonly #connection: Connection;
  readonly #signal: AbortSignal;
  readonly #reader = new MessageReader();
  readonly #queue = new MessageQueue();
  readonly #cut = () => this.destroy();
  #isPaused = false;
  #isOver = false;
  #closing: Closing | null = null;

  constructor(connection: Connection, head: Uint8Array, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    signal.addEventListener("abort", this.#cut, { once: true });
    connection.setNoDelay(true);
    connection.on("data", (bytes) => this.#take(bytes));
    for (const event of ["close", "end"] as const) connection.on(event, () => this.destroy());
    connection.on("error", () => this.destroy());
    if (head.byteLength > 0) this.#take(head);
    if (signal.aborted) this.destroy();
  }

  get closing(): Closing | null {
    return this.#closing;
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    const message = await this.#queue.next();
    if (this.#isPaused && this.#queue.bytes < mostWaitingBytes / 2) {
      this.#isPaused = false;
      this.#connection.resume();
    }
    return message;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    this.#write(opcode.binary, message);
  }

  close(): void {
    this.#write(opcode.close, Uint8Array.of(1_000 >> 8, 1_000 & 0xff));
    const timer = setTimeout(this.#cut, closeSeconds * 1_000);
    this.#connection.on("close", () => clearTimeout(timer));
    // The answer to it stands behind what nobody reads any more.
    this.#isPaused = false;
    this.#connection.resume();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal.removeEventListener("abort", this.#cut);
    this.#queue.end();
    this.#connection.destroy();
  }

  #write(kind: number, payload: Uint8Array): void {
    if (!this.#isOver) this.#connection.write(maskedFrame(kind, payload));
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    try {
      for (const message of this.#reader.read(bytes)) this.#message(message);
    } catch {
      // What is no WebSocket is a cut connection.
      this.destroy();
    }
    if (this.#queue.bytes < mostWaitingBytes || this.#isPaused) return;
    this.#isPaused = true;
    this.#connection.pause();
  }

  #message({ opcode: kind, payload }: Message): void {
    if (kind === opcode.binary) this.#queue.push(payload);
    if (kind === opcode.ping) this.#write(opcode.pong, payload);
    if (kind !== opcode.close) return;
    const code =
      payload.byteLength >= 2 ? new DataView(payload.buffer, payload.byteOffset).getUint16(0) : 1_005;
    this.#closing = { code, reason: new TextDecoder().decode(payload.subarray(2)) };
    this.#write(opcode.close, payload.subarray(0, 2));
    this.destroy();
  }
}

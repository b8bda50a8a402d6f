import { tokenProtocols } from "./credential.ts";
import { ConnectionError } from "./errors.ts";
import { type Closing, type FrameSocket, MessageQueue, type SocketCall } from "./frameSocket.ts";

/** The platform's socket cannot be told to stop reading: with more than this it is closed, and resumed later. */
const mostWaitingBytes = 4 * 1024 * 1024;

/** A `WebSocket` of the platform, or one like it. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket;

/** Opens a WebSocket with the platform's own class. Throws `ConnectionError`, which cannot say why. */
export async function openPlatformSocket(
  Constructor: WebSocketConstructor,
  call: SocketCall,
): Promise<FrameSocket> {
  if (call.socketPath !== undefined)
    throw new ConnectionError("WebSockets do not go through socket files here");
  const address = call.url.replace(/^http/, "ws");
  const socket = new Constructor(address, [call.protocol, ...tokenProtocols(call.token)]);
  socket.binaryType = "arraybuffer";
  const wrapped = new PlatformFrameSocket(socket, call.signal);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("close", () => reject(new ConnectionError("no WebSocket was opened")), {
      once: true,
    });
  });
  if (socket.protocol === call.protocol) return wrapped;
  wrapped.destroy();
  throw new ConnectionError(`the server does not speak ${call.protocol}`);
}

class PlatformFrameSocket implements FrameSocket {
  readonly #socket: WebSocket;
  readonly #signal: AbortSignal;
  readonly #queue = new MessageQueue();
  readonly #cut = () => this.destroy();
  #closing: Closing | null = null;
  #hasOverflowed = false;

  constructor(socket: WebSocket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    signal.addEventListener("abort", this.#cut, { once: true });
    socket.addEventListener("message", ({ data }) => this.#take(data));
    socket.addEventListener("close", ({ code, reason }) => {
      this.#closing ??= { code, reason };
      this.destroy();
    });
    // What matters of it is the end, which follows.
    socket.addEventListener("error", () => undefined);
    if (signal.aborted) this.destroy();
  }

  get closing(): Closing | null {
    return this.#closing;
  }

  get hasOverflowed(): boolean {
    return this.#hasOverflowed;
  }

  next(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#queue.next();
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === 1) this.#socket.send(message);
  }

  close(): void {
    this.#socket.close(1_000);
  }

  destroy(): void {
    this.#signal.removeEventListener("abort", this.#cut);
    this.#queue.end();
    this.#socket.close();
  }

  #take(data: unknown): void {
    if (this.#hasOverflowed) return;
    if (data instanceof ArrayBuffer) this.#queue.push(new Uint8Array(data));
    this.#hasOverflowed = this.#queue.bytes >= mostWaitingBytes;
    if (this.#hasOverflowed || !(data instanceof ArrayBuffer)) this.destroy();
  }
}

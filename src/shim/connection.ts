import { chmodSync } from "node:fs";
import type { Socket } from "bun";
import { type Frame, FrameError, FrameReader } from "./frames.ts";

/** With so many waiting, nothing more should be asked of one that does not read. */
const mostWaitingFrames = 1_000;

/** Who gets what comes over a connection. */
export interface ConnectionHandler {
  onFrame(frame: Frame): void;
  /** The connection has gone; called once. */
  onClose(): void;
}

/** One connection between a server and a shim: whole frames in, whole frames out, in order. */
export class Connection {
  readonly #socket: Socket<Connection>;
  readonly #reader = new FrameReader();
  readonly #waiting: Uint8Array[] = [];
  #handler: ConnectionHandler = { onFrame() {}, onClose() {} };
  #closed = false;

  private constructor(socket: Socket<Connection>) {
    this.#socket = socket;
  }

  /** Whoever gets what comes from now on. */
  set handler(handler: ConnectionHandler) {
    this.#handler = handler;
  }

  /** True when nothing can be sent any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True when the other side leaves so much unread that no more should be sent that can be refused. */
  get full(): boolean {
    return this.#waiting.length >= mostWaitingFrames;
  }

  /** Sends a frame; what the socket does not take now goes out later. Nothing happens when the connection has gone. */
  send(frame: Uint8Array): void {
    if (this.#closed) return;
    if (this.#waiting.length > 0) {
      this.#waiting.push(frame);
      return;
    }
    const sent = Math.max(0, this.#socket.write(frame));
    if (sent < frame.byteLength) this.#waiting.push(frame.subarray(sent));
  }

  /** Ends the connection. */
  close(): void {
    if (!this.#closed) this.#socket.end();
  }

  /** Connects to a socket that somebody listens on; `accept` gives the handler. Rejects when nobody does. */
  static async open(
    path: string,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Connection> {
    const { promise, resolve } = Promise.withResolvers<Connection>();
    await Bun.connect<Connection>({
      unix: path,
      socket: { ...Connection.#events, open: (socket) => resolve(Connection.#bind(socket, accept)) },
    });
    return promise;
  }

  /** Listens on a path; `accept` gives the handler of a new connection. The function given back ends that. */
  static listen(path: string, accept: (connection: Connection) => ConnectionHandler): () => void {
    const listener = Bun.listen<Connection>({
      unix: path,
      socket: { ...Connection.#events, open: (socket) => void Connection.#bind(socket, accept) },
    });
    chmodSync(path, 0o600);
    return () => listener.stop();
  }

  /** Before anything can come. */
  static #bind(
    socket: Socket<Connection>,
    accept: (connection: Connection) => ConnectionHandler,
  ): Connection {
    const connection = new Connection(socket);
    socket.data = connection;
    connection.#handler = accept(connection);
    return connection;
  }

  #received(piece: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(piece)) this.#handler.onFrame(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#socket.end();
    }
  }

  #drained(): void {
    for (;;) {
      const [frame] = this.#waiting;
      if (frame === undefined) return;
      const sent = Math.max(0, this.#socket.write(frame));
      if (sent < frame.byteLength) {
        this.#waiting[0] = frame.subarray(sent);
        return;
      }
      this.#waiting.shift();
    }
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    this.#handler.onClose();
  }

  static readonly #events = {
    data: (socket: Socket<Connection>, piece: Uint8Array) => socket.data.#received(piece),
    drain: (socket: Socket<Connection>) => socket.data.#drained(),
    close: (socket: Socket<Connection>) => socket.data.#ended(),
    error: (socket: Socket<Connection>) => socket.data.#ended(),
  };
}

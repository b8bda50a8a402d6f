import type { Duplex } from "node:stream";
import type { WebSocket } from "ws-node";
import type { OutputStream } from "../../../core/ports.ts";
import { type AttachServerMessage, attachChannels } from "../../../protocol/attach.ts";
import { roomIn } from "../../backpressure.ts";

/** So much may wait for one slow client before nothing more is made for it. */
const mostBufferedBytes = 256 * 1024;
/** With so much, it asks and asks and does not read: the connection is cut. */
const mostAnswerBytes = 2 * mostBufferedBytes;
/** A client from which nothing comes, and that takes nothing, is given up after so many heartbeats. */
const mostSilentBeats = 4;
/** A reason is cut after so many bytes: the close frame has room for 123. */
const reasonBytes = 120;

/** One attached client's connection: what goes out, how much of it may wait, and whether anybody is there. */
export class AttachWire {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #timer: Timer;
  #silentBeats = 0;
  /** The last message has been sent. */
  #hasEnded = false;
  /** It goes out when there is room. */
  #latest: AttachServerMessage | null = null;
  /** Bytes that had to wait at the last look. */
  #waitingBytes = 0;

  /** `onBeat` is called every so many seconds, while somebody is there. */
  constructor(
    { socket, connection }: { readonly socket: WebSocket; readonly connection: Duplex },
    heartbeatSeconds: number,
    onBeat: () => void,
  ) {
    this.#socket = socket;
    this.#connection = connection;
    const noteLife = () => {
      this.#silentBeats = 0;
    };
    socket.on("pong", noteLife).on("message", noteLife);
    connection.on("drain", noteLife);
    this.#timer = setInterval(onBeat, heartbeatSeconds * 1_000);
    connection.on("close", () => clearInterval(this.#timer));
  }

  /** True when nothing can be sent any more. */
  get closed(): boolean {
    return this.#socket.readyState !== this.#socket.OPEN;
  }

  /** Sends bytes of a stream. Wait for `room` before the next ones. */
  output(stream: OutputStream, bytes: Uint8Array): void {
    if (this.closed) return;
    const frame = Buffer.allocUnsafe(1 + bytes.byteLength);
    frame[0] = attachChannels[stream];
    frame.set(bytes, 1);
    this.#socket.send(frame);
  }

  /** Sends a message; nothing behind `ended`. */
  control(message: AttachServerMessage): void {
    this.#sendLatest();
    this.#send(message);
  }

  #send(message: AttachServerMessage): void {
    if (this.closed || this.#hasEnded) return;
    this.#hasEnded = message.type === "ended";
    const json = JSON.stringify(message);
    const frame = Buffer.allocUnsafe(1 + Buffer.byteLength(json));
    frame[0] = attachChannels.control;
    frame.write(json, 1);
    this.#socket.send(frame);
    if (this.#connection.writableLength > mostAnswerBytes) this.#socket.terminate();
  }

  /** Sends a message that makes earlier ones of its kind needless: of those that have to wait, the last one goes out. */
  latest(message: AttachServerMessage): void {
    const isAwaited = this.#latest !== null;
    this.#latest = message;
    if (!this.full) this.#sendLatest();
    else if (!isAwaited) void this.room().then(() => this.#sendLatest());
  }

  /** Before any other message, so that the end stays the last one. */
  #sendLatest(): void {
    const waiting = this.#latest;
    this.#latest = null;
    if (waiting !== null) this.#send(waiting);
  }

  /** True when the client has so much to take that nothing more should be made for it. */
  get full(): boolean {
    return this.#connection.writableLength >= mostBufferedBytes;
  }

  /** Resolves when there is room for more, or nobody is there any more. */
  async room(): Promise<void> {
    while (this.full && !this.closed) await roomIn(this.#connection);
  }

  /** Ends the connection once all has gone out. */
  async finish(code: number): Promise<void> {
    while (this.#connection.writableLength > 0 && !this.closed) await roomIn(this.#connection);
    this.close(code, "");
  }

  /** Ends the connection. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.#socket.close(code, Buffer.from(reason).subarray(0, reasonBytes).toString("utf8"));
    // Its own close frame may stand behind what was not to be read for now.
    this.#socket.resume();
  }

  /** Cuts the connection if it has not ended by then. */
  giveUpAfter(milliseconds: number): void {
    const timer = setTimeout(() => this.#socket.terminate(), milliseconds);
    this.#connection.on("close", () => clearTimeout(timer));
  }

  /** A sign of life for a client that has all there is; one that gives none itself is given up in the end. */
  beat(cursor: string): void {
    const waiting = this.#connection.writableLength;
    if (waiting < this.#waitingBytes) this.#silentBeats = 0;
    this.#waitingBytes = waiting;
    this.#silentBeats += 1;
    if (this.#silentBeats > mostSilentBeats) {
      this.#socket.terminate();
      return;
    }
    // A client that does not read what it has needs no sign of life.
    if (waiting > 0 || this.closed) return;
    this.control({ type: "heartbeat", cursor });
    this.#socket.ping();
  }
}

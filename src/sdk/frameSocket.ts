/** One WebSocket with binary messages, read as they are asked for. */
export interface FrameSocket {
  /** The next message; null when the connection is over, however it ended. */
  next(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Hands a message to the platform; nothing once the connection is over. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Ends the connection in order. */
  close(): void;
  /** Ends it at once. */
  destroy(): void;
  /** Code and words of the end that the other side has given; null while there is none. */
  readonly closing: Closing | null;
  /** More came than could be held while nobody read: the rest has to be fetched over a new connection. */
  readonly hasOverflowed: boolean;
}

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** How a connection is opened. */
export interface SocketCall {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly protocol: string;
  readonly token: string | undefined;
  /** A socket file to go through instead of the network. */
  readonly socketPath: string | undefined;
  /** Ends the opening, and later the connection. */
  readonly signal: AbortSignal;
}

/** Messages that nobody has asked for yet, and whoever waits for one. */
export class MessageQueue {
  readonly #messages: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #isOver = false;
  #wake: (() => void) | null = null;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: Uint8Array<ArrayBuffer>): void {
    if (this.#isOver) return;
    this.#messages.push(message);
    this.#bytes += message.byteLength;
    this.#wake?.();
  }

  /** Nothing more comes; what waits is still handed out. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#bytes -= message.byteLength;
        return message;
      }
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

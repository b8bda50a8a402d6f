import { closeStdinFrame, stdinFrame } from "./attachFrames.ts";
import { ConnectionError } from "./errors.ts";

/** Sent, and not yet known to be taken; with more, the writer is held back. */
const mostUntakenBytes = 256 * 1024;
const fewestUntakenBytes = 1;
/** Of one frame: small enough that others have their turn. */
const mostFrameBytes = 32 * 1024;

/** Sends a frame over the connection that is there. */
export type SendFrame = (frame: Uint8Array<ArrayBuffer>) => void;

/** What the server says of it: bytes that it has taken, and how many more may be on their way. */
interface InputPlace {
  readonly stdinOffset: number;
  readonly stdinWindowBytes: number | null;
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

/** What an attached client writes: kept until the server has taken it, and sent again after a cut. */
export class AttachInput {
  readonly stream: WritableStream<Uint8Array | string>;
  #controller!: WritableStreamDefaultController;
  /** Null while there is no connection. */
  #send: SendFrame | null = null;
  #pieces: Piece[] = [];
  /** Bytes that were written in all, and of these the ones that have been taken. */
  #written = 0;
  #taken = 0;
  #window = mostUntakenBytes;
  #hasBegun = false;
  #isClosing = false;
  readonly #canClose: () => boolean;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  /** `canClose`: the end of the input is something that the job can be told. */
  constructor(canClose: () => boolean) {
    this.#canClose = canClose;
    this.stream = new WritableStream<Uint8Array | string>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: (chunk) => this.#write(typeof chunk === "string" ? encoder.encode(chunk) : chunk),
      close: () => this.#close(),
    });
  }

  /** The server has not yet told that it has taken everything. */
  get hasUntaken(): boolean {
    return this.#pieces.length > 0;
  }

  /** A connection is there, whose server has taken so much. Sends the rest. Throws `ConnectionError`. */
  connected(send: SendFrame, { stdinOffset, stdinWindowBytes }: InputPlace): void {
    this.#window = Math.max(
      fewestUntakenBytes,
      Math.min(mostUntakenBytes, stdinWindowBytes ?? mostUntakenBytes),
    );
    if (!this.#hasBegun) {
      // An attacher of that name has written before.
      this.#hasBegun = true;
      this.#written = stdinOffset;
      this.#taken = stdinOffset;
    }
    if (stdinOffset < this.#taken)
      throw new ConnectionError(`stdin: the server no longer knows what it has taken (${this.#taken} bytes)`);
    this.taken(stdinOffset);
    this.#send = send;
    for (const { bytes } of this.#pieces) send(stdinFrame(bytes));
    if (this.#isClosing && this.#pieces.length === 0) this.#sendClose();
  }

  /** What is written from now on waits for the next connection. */
  disconnected(): void {
    this.#send = null;
  }

  /** The server has taken so many bytes in all. */
  taken(offset: number): void {
    this.#taken = Math.max(this.#taken, Math.min(offset, this.#written));
    while (this.#pieces[0] !== undefined) {
      const { offset: at, bytes } = this.#pieces[0];
      if (at >= this.#taken) break;
      this.#pieces.shift();
      if (at + bytes.byteLength <= this.#taken) continue;
      this.#pieces.unshift({ offset: this.#taken, bytes: bytes.subarray(this.#taken - at) });
    }
    this.#wake?.();
  }

  /** Nothing more can be written; those who wait are told why. */
  fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#pieces = [];
    this.#controller.error(error);
    this.#wake?.();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      const size = Math.min(mostFrameBytes, this.#window, chunk.byteLength - at);
      // More than the window would keep the server from reading anything else that is told here.
      await this.#until(
        () => this.#written === this.#taken || this.#written - this.#taken + size <= this.#window,
      );
      // The writer may use its buffer again.
      const bytes = chunk.slice(at, at + size);
      this.#pieces.push({ offset: this.#written, bytes });
      this.#written += bytes.byteLength;
      at += size;
      this.#send?.(stdinFrame(bytes));
    }
  }

  async #close(): Promise<void> {
    await this.#until(() => this.#taken >= this.#written);
    this.#isClosing = true;
    this.#sendClose();
  }

  #sendClose(): void {
    if (this.#canClose()) this.#send?.(closeStdinFrame());
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Bytes of one output that nobody has read yet; with more, no more is taken from the connection. */
const mostHeldBytes = 256 * 1024;

/** One output of an attached job as a stream, filled as fast as it is read. */
export class AttachOutput {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #isClosed = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor() {
    this.stream = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wake?.();
          this.#failIfEmpty();
        },
        cancel: () => {
          this.#isClosed = true;
          this.#wake?.();
        },
      },
      { highWaterMark: mostHeldBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
  }

  /** Resolves when there is room for more. What is given to a stream that was cancelled is thrown away. */
  async push(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#isClosed || bytes.byteLength === 0) return;
    this.#controller.enqueue(bytes);
    while (!this.#isClosed && (this.#controller.desiredSize ?? 1) <= 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nothing more comes. What is there is still read, then the error, if there is one. */
  end(error?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (error === undefined) this.#controller.close();
    else this.#failure = { error };
    this.#failIfEmpty();
    this.#wake?.();
  }

  /** An error throws away what a stream holds, which counts as handed on. */
  #failIfEmpty(): void {
    if (this.#failure === null || (this.#controller.desiredSize ?? 0) < mostHeldBytes) return;
    this.#controller.error(this.#failure.error);
    this.#failure = null;
  }
}

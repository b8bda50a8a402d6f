import { fieldsOf, joined } from "./bytes.ts";
import { Cutter } from "./cutter.ts";
import { ConnectionError, ErrandError } from "./errors.ts";
import type { StdinOptions } from "./options.ts";
import { expected } from "./readJob.ts";
import type { Transport } from "./transport.ts";

/** Written and not yet taken by the server; with more, the writer is held back. */
const mostHeldBytes = 1024 * 1024;

const encoder = new TextEncoder();

/** All platforms have it; not all that describe them. */
type Controller = WritableStreamDefaultController & { readonly signal: AbortSignal };

/** What the command reads. Each request tells its offset, so that bytes can be sent again after a cut. */
export function stdinStream(
  transport: Transport,
  path: string,
  { offset = 0, signal }: StdinOptions,
): WritableStream<Uint8Array | string> {
  const stop = new Cutter(signal);
  const sender = new StdinSender(transport, path, { offset, signal: stop.signal });
  const pump = new Pump((bytes) => sender.send(bytes));
  return new WritableStream<Uint8Array | string>({
    start(controller) {
      // `abort` below waits for a write that is under way, which must not wait for the command.
      (controller as Controller).signal.addEventListener("abort", () => stop.end(), { once: true });
      pump.onFailure = (error) => {
        stop.end();
        controller.error(error);
      };
    },
    write: (chunk) => pump.write(typeof chunk === "string" ? encoder.encode(chunk) : chunk),
    async close() {
      await pump.drained();
      await sender.close();
      stop.end();
    },
    abort: () => stop.end(),
  });
}

/** Collects small writes while a request is under way, so that they go out together. */
class Pump {
  onFailure: (error: unknown) => void = () => undefined;
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves while there is room. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return;
    // The writer may use its buffer again.
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.byteLength;
    if (!this.#isRunning) this.#start();
    if (this.#heldBytes >= mostHeldBytes) await this.#running;
  }

  /** Everything has been taken. */
  drained(): Promise<void> {
    return this.#running;
  }

  #start(): void {
    this.#isRunning = true;
    this.#running = this.#run();
    this.#running.catch((error: unknown) => this.onFailure(error));
  }

  async #run(): Promise<void> {
    while (this.#held.length > 0) {
      const bytes = joined(this.#held);
      this.#held = [];
      this.#heldBytes = 0;
      await this.#send(bytes);
    }
    this.#isRunning = false;
  }
}

/** Sends bytes until the server has taken them. */
class StdinSender {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #signal: AbortSignal;
  /** Of the next byte that the server has not taken. */
  #offset: number;

  constructor(
    transport: Transport,
    path: string,
    { offset, signal }: { readonly offset: number; readonly signal: AbortSignal },
  ) {
    this.#transport = transport;
    this.#path = path;
    this.#signal = signal;
    this.#offset = offset;
  }

  /** Throws `ErrandError` (`stdin-closed` when the command has ended), `ConnectionError`, `Cancelled`. */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const end = this.#offset + bytes.byteLength;
    while (this.#offset < end) {
      const taken = await this.#put(bytes.subarray(bytes.byteLength - (end - this.#offset)), "");
      if (taken <= this.#offset)
        throw new ConnectionError(`stdin: the server takes no more than ${taken} bytes`);
      this.#offset = Math.min(taken, end);
    }
  }

  /** Ends the input. */
  async close(): Promise<void> {
    try {
      await this.#put(new Uint8Array(), "&close=true");
    } catch (error) {
      // It has been closed before, by a request whose answer was lost, or by the end of the command.
      if (!(error instanceof ErrandError && error.code === "stdin-closed")) throw error;
    }
  }

  /** How many bytes the server has taken in all. */
  async #put(body: Uint8Array<ArrayBuffer>, query: string): Promise<number> {
    const answer = await this.#transport.json({
      ...{ method: "PUT", path: `${this.#path}?offset=${this.#offset}${query}`, body, signal: this.#signal },
      headers: { "Content-Type": "application/octet-stream" },
      // Bytes that were taken already are skipped. The command may take its time to read.
      ...{ repeatable: true, answerSeconds: null },
    });
    const offset = fieldsOf(answer)?.offset;
    return expected(typeof offset === "number" ? offset : null);
  }
}

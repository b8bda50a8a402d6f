import type { Broker } from "../../core/broker.ts";
import type { JobId } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";

/** Read at once; so much of an output is in memory for one answer. */
const pieceBytes = 48 * 1024;

/** Output that was there a moment ago: its time was over, or its room was needed. */
export class OutputGone extends Error {
  override readonly name = "OutputGone";
}

/** Output that is on the disk, to be read from its start as often as needed. */
export class KeptOutput {
  readonly #broker: Broker;
  readonly #id: JobId;
  readonly stream: OutputStream;
  readonly byteLength: number;
  /** An output of one piece is read once. */
  #only: Uint8Array | null = null;

  private constructor(broker: Broker, id: JobId, stream: OutputStream, byteLength: number) {
    this.#broker = broker;
    this.#id = id;
    this.stream = stream;
    this.byteLength = byteLength;
  }

  /** A stream of a job that has ended. Throws `OutputGone`. */
  static of(broker: Broker, id: JobId, stream: OutputStream): KeptOutput {
    const byteLength = broker.outputBytes(id, stream);
    if (byteLength === null) throw new OutputGone(`the output of job ${id} has gone`);
    return new KeptOutput(broker, id, stream, byteLength);
  }

  /**
   * All of it in order; a piece is good until the next one is asked for, since left to collections a long output would
   * pile up. Throws `OutputGone` when the files go meanwhile.
   */
  async *pieces(): AsyncGenerator<Uint8Array> {
    if (this.#only !== null) {
      yield this.#only;
      return;
    }
    for (let offset = 0; offset < this.byteLength; ) {
      const length = Math.min(pieceBytes, this.byteLength - offset);
      const piece = await this.#read(offset, length);
      if (piece.byteLength === this.byteLength) this.#only = piece;
      offset += piece.byteLength;
      yield piece;
      if (piece !== this.#only) release(piece);
    }
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    try {
      const piece = await this.#broker.readOutput(this.#id, this.stream, offset, length);
      if (piece.byteLength > 0) return piece;
    } catch (error) {
      if (this.#broker.outputBytes(this.#id, this.stream) !== null) throw error;
    }
    throw new OutputGone(`the ${this.stream} of job ${this.#id} has gone`);
  }
}

/** Gives back the memory of bytes that nobody looks at any more, at once. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

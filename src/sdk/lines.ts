import { reasonOf } from "./address.ts";
import { joined } from "./bytes.ts";
import { ConnectionError } from "./errors.ts";
import type { Opened } from "./transport.ts";

/** One event at most; a server's are far smaller. */
const mostLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

/**
 * The lines of an answer as their ends come, without empty ones. A last line without an end was cut and is not given.
 * Throws `ConnectionError` when the answer is cut, or silent for too long. Ends the request however it is left.
 */
export async function* linesOf(
  { response, cutter }: Opened,
  silenceSeconds: number,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const line = new GrowingLine();
  try {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    for (;;) {
      cutter.within(silenceSeconds);
      const { done, value } = await reader.read();
      // Time that the caller takes is no silence.
      cutter.within(null);
      if (done) return;
      for (const bytes of line.add(value)) {
        const text = decoder.decode(bytes).trim();
        if (text !== "") yield text;
      }
    }
  } catch (cause) {
    if (cause instanceof ConnectionError) throw cause;
    const why = cutter.isLate ? `nothing came for ${silenceSeconds} s` : reasonOf(cause);
    throw new ConnectionError(`the stream was cut: ${why}`, { cause });
  } finally {
    cutter.end();
  }
}

/** Puts lines together from pieces that are split anywhere. */
class GrowingLine {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** The lines that this piece finishes. */
  *add(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      yield this.#take(piece.subarray(from, end));
      from = end + 1;
    }
    if (from < piece.byteLength) this.#keep(piece.subarray(from));
  }

  #take(last: Uint8Array): Uint8Array {
    if (this.#pieces.length === 0) return last;
    const whole = joined([...this.#pieces, last]);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.byteLength;
    if (this.#bytes > mostLineBytes)
      throw new ConnectionError(`a line is longer than ${mostLineBytes} bytes`);
    this.#pieces.push(piece);
  }
}

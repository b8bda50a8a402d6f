import type { OutputSummary, StreamSummary } from "../core/job.ts";
import type { OutputSink, OutputStream } from "../core/ports.ts";
import type { ProcessLife, ProcessParts } from "./life.ts";
import { Tail } from "./stderrTail.ts";

/** Takes the output of one process into the sink, and counts it. */
export class SpoolIntake {
  readonly #parts: ProcessParts;
  readonly #sink: OutputSink;
  readonly #tail: Tail;
  #bytes = 0;
  #limitTold = false;

  constructor(parts: ProcessParts, sink: OutputSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#tail = new Tail(parts.limits.stderrTailBytes);
  }

  /** The next bytes; the chunk is gone afterwards. What comes after the end is nobody's. */
  take(stream: OutputStream, chunk: Uint8Array, life: ProcessLife): void {
    if (life.hasFinished) return;
    life.noteOutput();
    this.#bytes += chunk.byteLength;
    this.#sink.write(stream, chunk);
    if (stream === "stderr") this.#tail.push(chunk);
    // Left to collections, a flood would pile up tens of megabytes.
    if (chunk.buffer instanceof ArrayBuffer && chunk.buffer.byteLength === chunk.byteLength)
      chunk.buffer.transfer(0);
    const { outputBytes } = this.#parts.spec;
    if (outputBytes === null || this.#bytes <= outputBytes || this.#limitTold) return;
    // One that has ended by itself is not stopped, and what it has left behind is left alone.
    if (life.hasExited) return;
    this.#limitTold = true;
    this.#parts.listener.limitReached("output-limit");
  }

  /** All that came. */
  summary(): OutputSummary {
    const { discardStdout, discardStderr } = this.#parts.spec;
    const { stdout, stderr, storedBytes } = this.#sink.summary();
    return {
      stdout: discardStdout ? uncounted : stdout,
      stderr: discardStderr ? uncounted : stderr,
      stderrTail: this.#tail.text(),
      storedBytes,
    };
  }
}

/** It went where nobody counts. */
const uncounted: StreamSummary = { bytes: null, keptFrom: null, truncated: false };

import type { Exit, OutputSummary, StreamSummary } from "../core/job.ts";
import type { OutputSink, OutputStream, ProcessInput, SupervisedProcess } from "../core/ports.ts";
import { DrainedPipe } from "./drain.ts";
import { ProcessLife, type ProcessParts } from "./life.ts";
import { collectAll } from "./outputPipe.ts";
import { Tail } from "./stderrTail.ts";

/** A process whose output goes to a sink as it comes, from its execution to the end of its tree. */
export class SpooledProcess implements SupervisedProcess {
  readonly #parts: ProcessParts;
  readonly #sink: OutputSink;
  readonly #pipes: { readonly [stream in OutputStream]: DrainedPipe };
  readonly #ended = { stdout: false, stderr: false };
  readonly #life: ProcessLife;
  readonly #tail: Tail;
  /** Until then nobody reads: a command that ends at once needs no streams. */
  #quickTimer: Timer | null;
  #bytes = 0;
  #limitTold = false;

  constructor(parts: ProcessParts, sink: OutputSink) {
    const { spawned, limits } = parts;
    this.#parts = parts;
    this.#sink = sink;
    this.#pipes = {
      stdout: new DrainedPipe(spawned.stdout, limits),
      stderr: new DrainedPipe(spawned.stderr, limits),
    };
    this.#tail = new Tail(limits.stderrTailBytes);
    this.#life = new ProcessLife(parts, [this.#pipes.stdout, this.#pipes.stderr], {
      isDrained: () => this.#ended.stdout && this.#ended.stderr,
      summary: () => this.#summary(),
    });
    this.#quickTimer = setTimeout(() => this.#follow(), limits.quickEndSeconds * 1_000);
  }

  get pid(): number {
    return this.#parts.spawned.pid;
  }

  /** To be called once, when the leader has ended. */
  leaderExited(exit: Exit): void {
    this.#life.leaderExited(exit);
    if (this.#quickTimer !== null) {
      this.#collect("stdout");
      this.#collect("stderr");
      this.#follow();
    }
    this.#life.settle();
  }

  get input(): ProcessInput | null {
    return this.#parts.spawned.input;
  }

  /** It has pipes, no terminal. */
  resize(): boolean {
    return false;
  }

  stop(graceSeconds: number): void {
    this.#life.stop(graceSeconds);
  }

  signal(name: string): boolean {
    return this.#life.signal(name);
  }

  #collect(stream: OutputStream): void {
    const { bytes, ended } = collectAll(this.#parts.spawned[stream]);
    if (bytes.byteLength > 0) this.#take(stream, bytes);
    this.#ended[stream] = ended;
  }

  #follow(): void {
    if (this.#quickTimer !== null) clearTimeout(this.#quickTimer);
    this.#quickTimer = null;
    if (!this.#ended.stdout) this.#pump("stdout");
    if (!this.#ended.stderr) this.#pump("stderr");
  }

  async #pump(stream: OutputStream): Promise<void> {
    for (;;) {
      const chunk = await this.#pipes[stream].read();
      if (chunk === null) break;
      this.#take(stream, chunk);
    }
    this.#ended[stream] = true;
    this.#life.settle();
  }

  #take(stream: OutputStream, chunk: Uint8Array): void {
    if (this.#life.hasFinished) return;
    this.#life.noteOutput();
    this.#bytes += chunk.byteLength;
    this.#sink.write(stream, chunk);
    if (stream === "stderr") this.#tail.push(chunk);
    // Left to collections, a flood would pile up tens of megabytes.
    if (chunk.buffer instanceof ArrayBuffer && chunk.buffer.byteLength === chunk.byteLength)
      chunk.buffer.transfer(0);
    const { outputBytes } = this.#parts.spec;
    if (outputBytes === null || this.#bytes <= outputBytes || this.#limitTold) return;
    // One that has ended by itself is not stopped, and what it has left behind is left alone.
    if (this.#life.hasExited) return;
    this.#limitTold = true;
    this.#parts.listener.limitReached("output-limit");
  }

  #summary(): OutputSummary {
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

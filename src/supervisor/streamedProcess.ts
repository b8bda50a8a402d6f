import type { Exit, OutputSummary, StreamSummary } from "../core/job.ts";
import type { AttachedOutput, AttachedProcess, ProcessInput } from "../core/ports.ts";
import { DrainedPipe } from "./drain.ts";
import { ProcessLife, type ProcessParts } from "./life.ts";
import { collectAll } from "./outputPipe.ts";
import type { Spawned } from "./spawn.ts";
import { Tail } from "./stderrTail.ts";

/** Once both pipes are closed the exit is on its way: worth this much more waiting for an answer in one piece. */
const exitImminentMilliseconds = 20;

/** A process whose stdout belongs to one request, from its execution to the end of its tree. */
export class StreamedProcess implements AttachedProcess, AttachedOutput {
  readonly #parts: ProcessParts<Spawned>;
  readonly #stdout: DrainedPipe;
  readonly #stderr: DrainedPipe;
  readonly #life: ProcessLife;
  readonly #tail: Tail;
  /** What waits for `whole`. */
  #quick: ((bytes: Uint8Array | null) => void) | null = null;
  #quickTimer: Timer | null = null;
  /** Read before the streams began. */
  #collected: Uint8Array | null = null;
  #stdoutEnded = false;
  #stderrEnded = false;
  #waitsForFinish: (() => void) | null = null;

  constructor(parts: ProcessParts<Spawned>) {
    const { spawned, limits } = parts;
    this.#parts = parts;
    this.#stdout = new DrainedPipe(spawned.stdout, limits);
    this.#stderr = new DrainedPipe(spawned.stderr, limits);
    this.#tail = new Tail(limits.stderrTailBytes);
    this.#life = new ProcessLife(parts, [this.#stdout, this.#stderr], {
      isDrained: () => this.#stdoutEnded && this.#stderrEnded,
      summary: () => this.#summary(),
      whenFinished: () => this.#waitsForFinish?.(),
    });
  }

  get pid(): number {
    return this.#parts.spawned.pid;
  }

  get output(): AttachedOutput {
    return this;
  }

  /** To be called once, when the leader has ended. */
  leaderExited(exit: Exit): void {
    this.#life.leaderExited(exit);
    if (this.#quick !== null) this.#endQuickly();
    else this.#life.settle();
  }

  whole(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.#quick = resolve;
      if (this.#life.hasExited) this.#endQuickly();
      else
        this.#quickTimer = setTimeout(
          () => this.#quickTimeIsOver(),
          this.#parts.limits.quickEndSeconds * 1_000,
        );
    });
  }

  async read(): Promise<Uint8Array | null> {
    const collected = this.#collected;
    if (collected !== null) {
      this.#collected = null;
      return collected;
    }
    const chunk = this.#stdoutEnded ? null : await this.#stdout.read();
    if (chunk !== null) {
      this.#life.noteOutput();
      return chunk;
    }
    this.#stdoutEnded = true;
    this.#life.settle();
    if (!this.#life.hasFinished) {
      await new Promise<void>((resolve) => {
        this.#waitsForFinish = resolve;
      });
    }
    return null;
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

  #quickTimeIsOver(): void {
    const { stdout, stderr } = this.#parts.spawned;
    if (stdout.abandoned && stderr.abandoned) {
      this.#quickTimer = setTimeout(() => this.#runOn(), exitImminentMilliseconds);
    } else {
      this.#runOn();
    }
  }

  /** The command has ended at once: if its pipes have ended too, the answer needs no stream. */
  #endQuickly(): void {
    const { stdout, stderr } = this.#parts.spawned;
    const errors = collectAll(stderr);
    this.#tail.push(errors.bytes);
    this.#stderrEnded = errors.ended;
    const output = collectAll(stdout);
    this.#stdoutEnded = output.ended;
    if (!output.ended || !errors.ended || this.#life.isStopping) {
      if (output.bytes.byteLength > 0) this.#collected = output.bytes;
      this.#runOn();
      return;
    }
    const resolve = this.#takeQuick();
    this.#life.finish();
    resolve?.(output.bytes);
  }

  /** The command runs on, or something holds its pipes: from here on they are read as streams. */
  #runOn(): void {
    const resolve = this.#takeQuick();
    if (!this.#stderrEnded) this.#followStderr();
    resolve?.(null);
  }

  #takeQuick(): ((bytes: Uint8Array | null) => void) | null {
    const resolve = this.#quick;
    this.#quick = null;
    if (this.#quickTimer !== null) clearTimeout(this.#quickTimer);
    return resolve;
  }

  async #followStderr(): Promise<void> {
    for (;;) {
      const chunk = await this.#stderr.read();
      if (chunk === null) break;
      this.#life.noteOutput();
      this.#tail.push(chunk);
    }
    this.#stderrEnded = true;
    this.#life.settle();
  }

  #summary(): OutputSummary {
    const { spawned, spec } = this.#parts;
    return {
      stdout: passedOn(spec.discardStdout ? null : spawned.stdout.bytes),
      stderr: passedOn(spec.discardStderr ? null : spawned.stderr.bytes),
      stderrTail: this.#tail.text(),
      storedBytes: 0,
    };
  }
}

/** It went to the client and is not kept. */
function passedOn(bytes: number | null): StreamSummary {
  return { bytes, keptFrom: bytes, truncated: false };
}

import type { Exit } from "../core/job.ts";
import type { OutputSink, OutputStream, ProcessInput, SupervisedProcess } from "../core/ports.ts";
import { DrainedPipe } from "./drain.ts";
import { ProcessLife, type ProcessParts } from "./life.ts";
import { collectAll } from "./outputPipe.ts";
import type { Spawned } from "./spawn.ts";
import { SpoolIntake } from "./spoolIntake.ts";

/** A process whose output goes to a sink as it comes, from its execution to the end of its tree. */
export class SpooledProcess implements SupervisedProcess {
  readonly #parts: ProcessParts<Spawned>;
  readonly #pipes: { readonly [stream in OutputStream]: DrainedPipe };
  readonly #ended = { stdout: false, stderr: false };
  readonly #life: ProcessLife;
  readonly #intake: SpoolIntake;
  /** Until then nobody reads: a command that ends at once needs no streams. */
  #quickTimer: Timer | null;

  constructor(parts: ProcessParts<Spawned>, sink: OutputSink) {
    const { spawned, limits } = parts;
    this.#parts = parts;
    this.#pipes = {
      stdout: new DrainedPipe(spawned.stdout, limits),
      stderr: new DrainedPipe(spawned.stderr, limits),
    };
    this.#intake = new SpoolIntake(parts, sink);
    this.#life = new ProcessLife(parts, [this.#pipes.stdout, this.#pipes.stderr], {
      isDrained: () => this.#ended.stdout && this.#ended.stderr,
      summary: () => this.#intake.summary(),
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
    if (bytes.byteLength > 0) this.#intake.take(stream, bytes, this.#life);
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
      this.#intake.take(stream, chunk, this.#life);
    }
    this.#ended[stream] = true;
    this.#life.settle();
  }
}

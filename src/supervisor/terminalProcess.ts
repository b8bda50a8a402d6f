import type { Exit, TerminalSize } from "../core/job.ts";
import type { OutputSink, ProcessInput, SupervisedProcess } from "../core/ports.ts";
import { DrainedPipe } from "./drain.ts";
import { ProcessLife, type ProcessParts } from "./life.ts";
import type { SpawnedAtTerminal } from "./spawn.ts";
import { SpoolIntake } from "./spoolIntake.ts";

/** A process at a terminal of its own, whose output goes to a sink as stdout, to the end of its tree. */
export class TerminalProcess implements SupervisedProcess {
  readonly #parts: ProcessParts<SpawnedAtTerminal>;
  readonly #output: DrainedPipe;
  readonly #life: ProcessLife;
  readonly #intake: SpoolIntake;
  #ended = false;

  constructor(parts: ProcessParts<SpawnedAtTerminal>, sink: OutputSink) {
    this.#parts = parts;
    this.#output = new DrainedPipe(parts.spawned.terminal, parts.limits);
    this.#intake = new SpoolIntake(parts, sink);
    this.#life = new ProcessLife(parts, [this.#output], {
      isDrained: () => this.#ended,
      summary: () => this.#intake.summary(),
    });
    this.#pump();
  }

  get pid(): number {
    return this.#parts.spawned.pid;
  }

  /** To be called once, when the leader has ended. */
  leaderExited(exit: Exit): void {
    // What a descendant would read there is not for it.
    this.#parts.spawned.terminal.input.end();
    this.#life.leaderExited(exit);
    this.#life.settle();
  }

  get input(): ProcessInput | null {
    return this.#parts.spawned.input;
  }

  resize(size: TerminalSize): boolean {
    return !this.#life.hasExited && this.#parts.spawned.terminal.resize(size);
  }

  stop(graceSeconds: number): void {
    this.#life.stop(graceSeconds);
  }

  signal(name: string): boolean {
    return this.#life.signal(name);
  }

  async #pump(): Promise<void> {
    for (;;) {
      const chunk = await this.#output.read();
      if (chunk === null) break;
      this.#intake.take("stdout", chunk, this.#life);
      // There is no waiting for room: the runtime goes on reading, and would keep in memory what is not taken.
    }
    this.#ended = true;
    this.#life.settle();
  }
}

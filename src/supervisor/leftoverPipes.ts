import type { OutputPipe } from "./outputPipe.ts";

/**
 * Pipes of ended jobs that descendants still hold. What comes is read and thrown away, so that such a process
 * neither blocks nor dies of SIGPIPE. Above the limit the oldest is given up.
 */
export class LeftoverPipes {
  readonly #limit: number;
  readonly #pipes = new Set<OutputPipe>();
  #onNone: (() => void) | null = null;

  /** `limit`: how many pipes are kept open. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the pipe over. */
  keep(pipe: OutputPipe): void {
    this.#pipes.add(pipe);
    const [oldest] = this.#pipes;
    if (this.#pipes.size > this.#limit && oldest !== undefined) this.#end(oldest);
    this.#discard(pipe);
  }

  /** Calls back once there is none any more; at once when there is none now. */
  whenNone(callback: () => void): void {
    if (this.#pipes.size === 0) callback();
    else this.#onNone = callback;
  }

  async #discard(pipe: OutputPipe): Promise<void> {
    while (this.#pipes.has(pipe)) {
      if ((await pipe.read()) === null) break;
    }
    this.#end(pipe);
  }

  #end(pipe: OutputPipe): void {
    this.#pipes.delete(pipe);
    pipe.close();
    if (this.#pipes.size === 0) this.#onNone?.();
  }
}

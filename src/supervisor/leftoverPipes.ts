import type { OutputSource } from "./outputSource.ts";

/**
 * Pipes and terminals of ended jobs that descendants still hold. What comes is read and thrown away, so that such a process
 * neither blocks nor dies of SIGPIPE. Above the limit the oldest is given up.
 */
export class LeftoverPipes {
  readonly #limit: number;
  readonly #pipes = new Set<OutputSource>();
  #onNone: (() => void) | null = null;

  /** `limit`: how many pipes are kept open. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the pipe over. */
  keep(pipe: OutputSource): void {
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

  async #discard(pipe: OutputSource): Promise<void> {
    while (this.#pipes.has(pipe)) {
      if ((await pipe.read()) === null) break;
    }
    this.#end(pipe);
  }

  #end(pipe: OutputSource): void {
    this.#pipes.delete(pipe);
    pipe.close();
    if (this.#pipes.size === 0) this.#onNone?.();
  }
}

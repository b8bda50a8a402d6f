import type { OutputSource } from "./outputSource.ts";

/**
 * Pipes and terminals of ended jobs that descendants still hold. What comes is read and thrown away, so that such a process
 * neither blocks nor dies of SIGPIPE. Above the limit the oldest is given up.
 */
export class LeftoverPipes {
  readonly #limit: number;
  readonly #pipes = new Set<OutputSource>();

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

  async #discard(pipe: OutputSource): Promise<void> {
    while (this.#pipes.has(pipe)) {
      if ((await pipe.read()) === null) break;
    }
    this.#end(pipe);
  }

  #end(pipe: OutputSource): void {
    this.#pipes.delete(pipe);
    pipe.close();
  }
}

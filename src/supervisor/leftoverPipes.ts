import type { OutputPipe } from "./outputPipe.ts";

/**
 * Pipes of ended jobs that descendants still hold. What comes is read and thrown away, so that such a process
 * neither blocks nor dies of SIGPIPE. Above the limit the oldest is given up.
 */
export class LeftoverPipes {
  readonly #limit: number;
  readonly #pipes = new Set<OutputPipe>();

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

  async #discard(pipe: OutputPipe): Promise<void> {
    while (this.#pipes.has(pipe)) {
      if ((await pipe.read()) === null) break;
    }
    this.#end(pipe);
  }

  #end(pipe: OutputPipe): void {
    this.#pipes.delete(pipe);
    pipe.close();
  }
}

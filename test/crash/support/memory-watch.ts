import type { Server } from "../../support/server.ts";
import { until } from "../../support/wait.ts";

const lookMilliseconds = 100;
const mebibyte = 1024 * 1024;

/** How far the server's anonymous memory has risen at most, above what it was at the beginning. */
export class MemoryWatch {
  readonly #server: Server;
  readonly #before: number;
  #peak: number;
  #lookedAt = 0;

  constructor(server: Server) {
    this.#server = server;
    this.#before = server.memory().anonymousBytes;
    this.#peak = this.#before;
  }

  /** Looks again, unless it has just done so: that costs the machine something, too. */
  look(): void {
    if (performance.now() - this.#lookedAt < lookMilliseconds) return;
    this.#lookedAt = performance.now();
    this.#peak = Math.max(this.#peak, this.#server.memory().anonymousBytes);
  }

  /** Looks again and again until the work is done, and gives what that gives. */
  async during<T>(work: Promise<T>, timeoutMilliseconds = 60_000): Promise<T> {
    let running = true;
    const done = work.finally(() => {
      running = false;
    });
    await until(
      () => {
        this.look();
        return !running;
      },
      { timeoutMilliseconds, describe: "the end of what is watched" },
    );
    return done;
  }

  get grownBytes(): number {
    return this.#peak - this.#before;
  }

  get text(): string {
    return `${(this.grownBytes / mebibyte).toFixed(1)} MiB`;
  }
}

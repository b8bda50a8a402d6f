import { closeSync } from "node:fs";
import { openPipe } from "./libc.ts";
import { smallRuntime } from "./smallRuntime.ts";

/** A watchdog that keeps dying is not started for ever. */
const mostRestarts = 100;

interface WatchdogParts {
  /** The program and its arguments that lead to `watch`. */
  readonly command: readonly string[];
  /** The open lock of the data directory: held until the watchdog has done its work, too. */
  readonly lockDescriptor: number;
  readonly onLost: (message: string) => void;
}

/** Keeps a small process beside the server that kills the live jobs' trees when the server is killed. */
export class Watchdog {
  readonly #parts: WatchdogParts;
  #restarts = 0;
  #ending = false;
  #writeEnd = -1;
  #pid = -1;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#start();
  }

  /** The process beside the server. */
  get pid(): number {
    return this.#pid;
  }

  /** Lets it end; for a server that ends by itself and has no live jobs. */
  end(): void {
    this.#ending = true;
    closeSync(this.#writeEnd);
  }

  #start(): void {
    const { readEnd, writeEnd } = openPipe();
    const child = Bun.spawn({
      cmd: [...this.#parts.command],
      // A session of its own: what kills the server's group or terminal must not take it along.
      detached: true,
      env: smallRuntime,
      stdio: [readEnd, "ignore", "ignore", this.#parts.lockDescriptor],
      onExit: () => this.#ended(),
    });
    child.unref();
    closeSync(readEnd);
    this.#writeEnd = writeEnd;
    this.#pid = child.pid;
  }

  #ended(): void {
    if (this.#ending) return;
    closeSync(this.#writeEnd);
    this.#restarts += 1;
    if (this.#restarts > mostRestarts) {
      this.#parts.onLost("the watchdog keeps dying; jobs may outlive a server that is killed");
      return;
    }
    this.#parts.onLost("the watchdog has died; a new one is started");
    this.#start();
  }
}

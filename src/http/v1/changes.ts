import type { Broker } from "../../core/broker.ts";
import type { JobId } from "../../core/job.ts";

/** Waits for changes of a job, without missing one that comes between a look and the waiting. */
export class Changes {
  readonly #signal: AbortSignal;
  readonly #forget: () => void;
  #changed = false;
  #wake: (() => void) | null = null;

  constructor(broker: Broker, id: JobId, signal: AbortSignal) {
    this.#signal = signal;
    const wake = () => {
      this.#changed = true;
      this.#wake?.();
    };
    const forget = broker.active(id)?.onChange(wake);
    signal.addEventListener("abort", wake);
    this.#forget = () => {
      forget?.();
      signal.removeEventListener("abort", wake);
    };
  }

  /** From here on a change counts. */
  note(): void {
    this.#changed = false;
  }

  /** False when nothing has changed for so long. */
  async wait(mostMilliseconds?: number): Promise<boolean> {
    if (this.#changed || this.#signal.aborted) return true;
    await new Promise<void>((resolve) => {
      const timer = mostMilliseconds === undefined ? null : setTimeout(resolve, mostMilliseconds);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    return this.#changed;
  }

  close(): void {
    this.#forget();
  }
}

import type { DisconnectPolicy } from "./job.ts";
import type { Clock } from "./ports.ts";

interface AttendanceParts {
  readonly policy: DisconnectPolicy;
  readonly clock: Clock;
  /** The last one has gone, and the time that the policy gives is over. */
  readonly onAbandoned: () => void;
}

/** Who follows a job, and what happens when nobody does any more. A job that nobody has followed yet is left alone. */
export class Attendance {
  readonly #parts: AttendanceParts;
  #present = 0;
  #closed = false;
  #cancel: (() => void) | null = null;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
  }

  /** One more is there; the function given back tells that it has gone. */
  enter(): () => void {
    this.#present += 1;
    this.#cancel?.();
    this.#cancel = null;
    let there = true;
    return () => {
      if (there) this.#leave();
      there = false;
    };
  }

  /** The job has ended: there is nothing to wait for any more. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #leave(): void {
    const { policy, clock, onAbandoned } = this.#parts;
    this.#present -= 1;
    if (this.#present > 0 || this.#closed || policy === "detach") return;
    if (policy === "kill") onAbandoned();
    else this.#cancel = clock.after(policy.killAfterSeconds * 1_000, onAbandoned);
  }
}

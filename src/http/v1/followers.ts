import type { ActiveJob } from "../../core/activeJob.ts";
import { ErrandError } from "../../core/errors.ts";

const retryAfterSeconds = 5;

/** Counts the streams that are open. */
export class Followers {
  readonly #most: number;
  #count = 0;

  /** `most`: so many at once. */
  constructor(most: number) {
    this.#most = most;
  }

  /** One more, who is there for that job; the function given back, called once or more, tells that it has gone. Throws `too-many-requests`. */
  enter(active: ActiveJob | undefined): () => void {
    if (this.#count >= this.#most) {
      const allowed = `${this.#most} streams are open, which is the limit (followers)`;
      throw new ErrandError("too-many-requests", allowed, retryAfterSeconds);
    }
    this.#count += 1;
    const leave = active?.attend();
    let there = true;
    return () => {
      if (!there) return;
      there = false;
      this.#count -= 1;
      leave?.();
    };
  }
}

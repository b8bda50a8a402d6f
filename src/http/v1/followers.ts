import type { ActiveJob } from "../../core/activeJob.ts";
import { ErrandError } from "../../core/errors.ts";

const retryAfterSeconds = 5;

/** What a stream goes over: an answer, or a connection. */
interface Way {
  readonly destroyed: boolean;
  on(event: "close", callback: () => void): unknown;
}

/** Counts the streams that are open. */
export class Followers {
  readonly #most: number;
  #count = 0;

  /** `most`: so many at once. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes a place for a stream that goes this way, until the way is closed, however that comes. To be called before
   * anything is started for it. Throws `too-many-requests`.
   */
  enter(way: Way): Follower {
    if (this.#count >= this.#most) {
      const allowed = `${this.#most} streams are open, which is the limit (followers)`;
      throw new ErrandError("too-many-requests", allowed, retryAfterSeconds);
    }
    this.#count += 1;
    const follower = new Follower(() => {
      this.#count -= 1;
    });
    way.on("close", () => follower.leave());
    // No event tells it of a client that has gone already.
    if (way.destroyed) follower.leave();
    return follower;
  }
}

/** One stream, and the job that its reader is there for. */
export class Follower {
  readonly #onLeave: () => void;
  #there = true;
  #leaveJob: (() => void) | null = null;

  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  /** It is there for that job, or was, when it has left meanwhile: then that is the job's to know. Once at most. */
  attend(active: ActiveJob | undefined): void {
    const leaveJob = active?.attend();
    if (this.#there) this.#leaveJob = leaveJob ?? null;
    else leaveJob?.();
  }

  /** It has gone. */
  leave(): void {
    if (!this.#there) return;
    this.#there = false;
    this.#onLeave();
    this.#leaveJob?.();
  }
}

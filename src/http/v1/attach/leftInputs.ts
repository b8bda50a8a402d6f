import type { AttachInput } from "./input.ts";

/** So many clients' last words may wait for their commands; then those that have waited longest are dropped. */
const mostWaiting = 64;

/** What clients typed before they went away: it is written when its turn comes, unless too much of it waits. */
export class LeftInputs {
  readonly #waiting = new Set<AttachInput>();

  /** Its client has gone. */
  keep(input: AttachInput): void {
    this.#waiting.add(input);
    input.idle().then(() => this.#waiting.delete(input));
    const [oldest] = this.#waiting;
    if (this.#waiting.size <= mostWaiting || oldest === undefined) return;
    oldest.drop();
    this.#waiting.delete(oldest);
  }
}

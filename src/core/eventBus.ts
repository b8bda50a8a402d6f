import type { Job } from "./job.ts";

/** A job's life-cycle event, or the number of events that a slow listener has missed. */
export type BusEvent =
  | { readonly type: "started" | "ended" | "failed"; readonly job: Job }
  | { readonly type: "gap"; readonly missed: number };

/** Hands life-cycle events to listeners. A slow one loses its oldest events and is told so; it never delays a job. */
export class EventBus {
  readonly #capacity: number;
  readonly #subscriptions = new Set<Subscription>();

  /** `capacity`: how many events may wait for one listener. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Never waits and never fails. */
  publish(event: BusEvent): void {
    for (const subscription of this.#subscriptions) subscription.push(event);
  }

  /** A new listener that sees what is published from now on. */
  subscribe(): Subscription {
    const subscription = new Subscription(this.#capacity, () => this.#subscriptions.delete(subscription));
    this.#subscriptions.add(subscription);
    return subscription;
  }
}

/** One listener's bounded queue. */
export class Subscription {
  readonly #capacity: number;
  readonly #onClose: () => void;
  #waiting: BusEvent[] = [];
  #missed = 0;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(capacity: number, onClose: () => void) {
    this.#capacity = capacity;
    this.#onClose = onClose;
  }

  /** Queues an event; at the capacity the oldest one is dropped and counted. */
  push(event: BusEvent): void {
    if (this.#waiting.length === this.#capacity) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** The next event, a `gap` first when some were dropped; null after `close`. One caller at a time. */
  async next(): Promise<BusEvent | null> {
    while (!this.#closed && this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (this.#closed) return null;
    if (this.#missed > 0) {
      const missed = this.#missed;
      this.#missed = 0;
      return { type: "gap", missed };
    }
    return this.#waiting.shift() ?? null;
  }

  /** Ends the listening; a waiting `next` answers null. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#onClose();
    this.#wake?.();
  }
}

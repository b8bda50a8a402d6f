/** Longer timers end at once. */
const mostTimerMs = 2_147_483_647;

/** Ends a request from inside: after a time, or when a caller's signal does. */
export class Cutter {
  readonly #controller = new AbortController();
  #outer: AbortSignal | undefined;
  readonly #onOuter = () => this.#controller.abort(this.#outer?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLate = false;

  constructor(outer: AbortSignal | undefined) {
    this.listenTo(outer);
  }

  /** For the request. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time was over. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** From now on this signal ends it, and no other. */
  listenTo(outer: AbortSignal | undefined): void {
    this.#outer?.removeEventListener("abort", this.#onOuter);
    this.#outer = outer;
    if (outer?.aborted) this.#onOuter();
    else outer?.addEventListener("abort", this.#onOuter, { once: true });
  }

  /** From now on it may take so long; null: any time. */
  within(seconds: number | null): void {
    clearTimeout(this.#timer);
    if (seconds === null) return;
    this.#timer = setTimeout(() => this.#late(), Math.min(seconds * 1_000, mostTimerMs));
  }

  /** Ends the request if it goes on, and lets go of the caller's signal, which may live longer. */
  end(): void {
    clearTimeout(this.#timer);
    this.listenTo(undefined);
    this.#controller.abort();
  }

  #late(): void {
    this.#isLate = true;
    this.#controller.abort();
  }
}

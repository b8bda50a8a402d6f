import type { Delivery, DeliveryResult, Outbox } from "../core/callbackPorts.ts";
import type { Limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { version } from "../core/version.ts";
import type { SendCallback } from "./attempt.ts";
import { Flights } from "./flights.ts";
import type { SignCallback } from "./sign.ts";
import { type RetryPlan, type Try, verdictOf } from "./verdict.ts";

/** An outbox that can pass over what a courier cannot send now; one that does not costs time, no more. */
export interface CourierOutbox extends Outbox {
  /** Without those whose URL is of one of these origins. */
  due(wall: number, count: number, exceptOrigins?: readonly string[]): Delivery[];
  /** Only what is due later than `after`. */
  nextDue(after?: number): number | null;
}

interface CourierParts {
  readonly outbox: CourierOutbox;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "callbacksAtOnce" | "callbacksPerHost">;
  readonly plan: RetryPlan;
  readonly send: SendCallback;
  readonly sign: SignCallback;
  /** What a callback tells; null when there is no such job any more. */
  readonly content: (delivery: Delivery) => Promise<{ body: string; headers: Record<string, string> } | null>;
  readonly log: {
    /** A try has come to an end. */
    settled(delivery: Delivery, result: DeliveryResult): void;
    /** Something of our own does not work: the outbox, the secret, the content. */
    error(error: unknown): void;
  };
}

/** What every callback carries unless its content says otherwise. */
const ownHeaders = { "user-agent": `Errand/${version}`, "content-type": "application/json" };
/** Rows that are read at once, beside those on their way. */
const pageRows = 64;
/** After an error of the outbox, such as a full disk. */
const troubleMilliseconds = 1_000;
/** The wall clock may be set while nothing is due. */
const longestSleepMilliseconds = 60_000;
/** After a look at the outbox, so many times as long is rested: a long queue must not take the server's time. */
const restPerLook = 4;

/**
 * Delivers what is in the outbox: each callback until a try succeeds or all are used up. What a try has come to is on
 * record before the next one; a server that is killed in between sends again, under the same id.
 */
export class Courier {
  readonly #parts: CourierParts;
  readonly #flights: Flights;
  readonly #giveUp = new AbortController();
  #woken = false;
  #stopped = false;
  #restUntil = 0;
  #cancelTimer = () => {};
  #onLastLanding = () => {};

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#flights = new Flights(parts.limits);
  }

  /** Something may be due. The first call makes the courier begin; calls at once cost one look. */
  wake(): void {
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    const rest = (this.#restUntil - this.#parts.clock.now().monotonic) / 1e6;
    if (rest > 0) this.#parts.clock.after(rest, () => this.#look());
    else queueMicrotask(() => this.#look());
  }

  /** Starts no more, and waits so long for those on their way. What is not settled then stays pending. */
  async stop(seconds: number): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    if (this.#flights.count > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(seconds * 1_000, resolve);
        this.#onLastLanding = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#giveUp.abort();
  }

  #look(): void {
    this.#woken = false;
    this.#cancelTimer();
    if (this.#stopped) return;
    const { clock, outbox, log } = this.#parts;
    const { wall, monotonic } = clock.now();
    let wait = troubleMilliseconds;
    try {
      this.#startDue(wall);
      // What is due and not started is waiting for one that is on its way.
      wait = Math.min((outbox.nextDue(wall) ?? Infinity) - wall, longestSleepMilliseconds);
    } catch (error) {
      log.error(error);
    }
    const end = clock.now().monotonic;
    this.#restUntil = end + restPerLook * (end - monotonic);
    this.#cancelTimer = clock.after(wait, () => this.wake());
  }

  /** The longest due first, but past those of a host that has its share already. */
  #startDue(wall: number): void {
    const flights = this.#flights;
    const origins = new Set<string>();
    while (!flights.isFull) {
      const rows = flights.count + pageRows;
      const passed = origins.size;
      const page = this.#parts.outbox.due(wall, rows, [...origins]);
      for (const delivery of page) {
        if (flights.has(delivery.jobId)) continue;
        if (flights.start(delivery)) void this.#deliver(delivery);
        else origins.add(URL.parse(delivery.url)?.origin ?? "");
      }
      if (page.length < rows || origins.size === passed) return;
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { clock } = this.#parts;
    const begun = clock.wall();
    const answer = await this.#try(delivery);
    this.#settle(delivery, { answer, begun, ended: clock.wall() });
  }

  async #try(delivery: Delivery): Promise<Try["answer"]> {
    const { content, sign, send, clock, log } = this.#parts;
    const { id, url } = delivery;
    try {
      const told = await content(delivery);
      if (told === null) return { gone: "the job is no longer on record" };
      const signature = await sign(id, clock.wall(), told.body);
      const headers = { ...ownHeaders, ...told.headers, ...signature };
      return await send({ url, headers, body: told.body, signal: this.#giveUp.signal });
    } catch (error) {
      log.error(error);
      return { error: "the server could not make the callback; its log says more" };
    }
  }

  #settle(delivery: Delivery, tried: Try): void {
    const { outbox, plan, clock, log } = this.#parts;
    if (this.#giveUp.signal.aborted) return;
    try {
      // In the meantime it may have been forgotten, or asked for anew.
      const current = outbox.ofJob(delivery.jobId).find(({ id }) => id === delivery.id);
      if (current !== undefined) {
        const result = verdictOf(current, tried, plan);
        outbox.settle(delivery.id, result);
        log.settled(delivery, result);
      }
    } catch (error) {
      log.error(error);
      clock.after(troubleMilliseconds, () => this.#settle(delivery, tried));
      return;
    }
    this.#flights.land(delivery);
    if (this.#flights.count === 0) this.#onLastLanding();
    this.wake();
  }
}

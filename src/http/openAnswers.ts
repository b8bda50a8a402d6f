import { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ErrandError } from "../core/errors.ts";
import { cut } from "./backpressure.ts";
import type { Door } from "./exchange.ts";

/** What is said to one who waits for an answer and has not got any of it. */
const refusal = "the credential is not good for this any more: it has expired, or was revoked";

/** Answers that are not complete yet, and connections that have become something else. */
export class OpenAnswers {
  readonly #open = new Set<ServerResponse | Duplex>();
  /** Those that a credential has opened which may cease to count, and through which door, or what ends them. */
  readonly #entered = new Map<ServerResponse, Door>();
  readonly #connections = new Map<Duplex, () => void>();
  #onNone: (() => void) | null = null;

  add(answer: ServerResponse | Duplex): void {
    this.#open.add(answer);
    // A client that goes away while it is written to is no error of ours.
    answer.on("error", () => {});
    answer.on("close", () => {
      this.#open.delete(answer);
      if (answer instanceof ServerResponse) this.#entered.delete(answer);
      else this.#connections.delete(answer);
      if (this.#open.size === 0) this.#onNone?.();
    });
  }

  /** The request of an answer that was added has come in by a credential. */
  entered(answer: ServerResponse, door: Door): void {
    this.#entered.set(answer, door);
  }

  /** The same for a connection; `check` ends it when its credential does not count any more. */
  connected(connection: Duplex, check: () => void): void {
    this.#connections.set(connection, check);
  }

  /** Ends what one has opened who would not be let in again. */
  endRefused(isAllowed: (answer: ServerResponse, door: Door) => boolean): void {
    for (const check of this.#connections.values()) check();
    for (const [answer, door] of this.#entered) {
      if (answer.destroyed || answer.writableEnded || isAllowed(answer, door)) continue;
      const asksOnly = answer.req.method === "GET" || answer.req.method === "HEAD";
      // What may have been done already is not told to be refused.
      if (asksOnly && !answer.headersSent) door.refuse(answer, new ErrandError("unauthorized", refusal));
      else cut(answer);
    }
  }

  /** Ends what the server itself would not. */
  cut(): void {
    for (const answer of this.#open) {
      if (answer instanceof ServerResponse) cut(answer);
      else answer.destroy();
    }
  }

  /** Resolves when all are complete, at the latest after that time. */
  async settle(milliseconds: number): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNone = resolve;
      setTimeout(resolve, milliseconds);
    });
  }
}

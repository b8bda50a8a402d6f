import type { ServerResponse } from "node:http";
import { cut } from "../backpressure.ts";
import { sendWhole } from "../exchange.ts";

/** Gathered before it is sent. */
const gatheredCharacters = 64 * 1024;
/** So much may wait for a slow client. */
const bufferedBytes = 256 * 1024;

const headers = { "Content-Type": "application/xml; charset=utf-8", "Cache-Control": "no-store" };
const streamed = { ...headers, "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no" };

/** Writes an answer as it becomes known; it holds a bounded part of it. What is written for a client that has gone is nothing. */
export class Answer {
  readonly #response: ServerResponse;
  #parts: string[] = [];
  #characters = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Nobody reads it any more. */
  get gone(): boolean {
    return this.#response.destroyed;
  }

  /** Resolves when there is room for more. */
  async write(text: string): Promise<void> {
    this.#parts.push(text);
    this.#characters += text.length;
    if (this.#characters >= gatheredCharacters) await this.flush();
  }

  /** Sends what is gathered. */
  async flush(): Promise<void> {
    const text = this.#take();
    if (this.gone || text === "") return;
    if (!this.#response.headersSent) this.#response.writeHead(200, streamed);
    this.#response.write(text);
    while (this.#response.writableLength >= bufferedBytes && !this.gone) await this.#room();
  }

  /** It is complete. */
  end(): void {
    const text = this.#take();
    if (this.gone) return;
    if (this.#response.headersSent) this.#response.end(text);
    else sendWhole(this.#response, 200, text, headers);
  }

  /** What is missing cannot be told any more: the answer ends without its end, so that nobody takes it for whole. */
  cut(): void {
    cut(this.#response);
  }

  #take(): string {
    const text = this.#parts.join("");
    this.#parts = [];
    this.#characters = 0;
    return text;
  }

  /** The client has taken something, or has gone. */
  async #room(): Promise<void> {
    const response = this.#response;
    await new Promise<void>((resolve) => {
      const done = () => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  }
}

/** Sends an answer that is an error as a whole. */
export function sendError(
  response: ServerResponse,
  {
    status,
    body,
    more,
  }: { readonly status: number; readonly body: string; readonly more: Record<string, string> },
): void {
  sendWhole(response, status, body, { ...headers, ...more });
}

import { baseOf, reasonOf } from "./address.ts";
import { throwIfCancelled } from "./cancel.ts";
import { ownCredential, tokenHeaders } from "./credential.ts";
import { Cutter } from "./cutter.ts";
import { ConnectionError, ErrandError } from "./errors.ts";
import type { FrameSocket } from "./frameSocket.ts";
import { openSocket } from "./openSocket.ts";
import type { ErrandOptions, Fetch } from "./options.ts";
import { errorOf } from "./problem.ts";
import { Reconnect } from "./reconnect.ts";

/** One request. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind the address, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Is sent as JSON; bytes are sent as they are. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the answer, 60 by default; null: any time. */
  readonly answerSeconds?: number | null;
  /** True: doing it twice does no harm, so it is tried again after a cut. */
  readonly repeatable?: boolean;
}

/** An answer whose body is still to be read. `cutter.end()` is due when that is done. */
export interface Opened {
  readonly response: Response;
  readonly cutter: Cutter;
}

const defaultAnswerSeconds = 60;
const defaultReconnectSeconds = 30;
const defaultSilenceSeconds = 90;

/** Asks one server, with its credential. */
export class Transport {
  readonly reconnectSeconds: number;
  readonly silenceSeconds: number;
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: Fetch;
  readonly #sockets: Pick<ErrandOptions, "socketPath" | "webSocket">;
  #hasAnswered = false;

  /** Throws `TypeError` or `RangeError`. */
  constructor({ url, token, fetch, reconnectSeconds, silenceSeconds, ...sockets }: ErrandOptions) {
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
      throw new TypeError("token: visible ASCII characters are needed");
    this.#base = baseOf(url);
    this.#token = token;
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#sockets = sockets;
    this.reconnectSeconds = secondsOf("reconnectSeconds", reconnectSeconds ?? defaultReconnectSeconds);
    this.silenceSeconds = secondsOf("silenceSeconds", silenceSeconds ?? defaultSilenceSeconds);
    if (this.silenceSeconds === 0) throw new RangeError("silenceSeconds: more than 0 is needed");
  }

  /** False for an address that may be wrong. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Tries again only where a server has once answered: a wrong address is told at once. */
  reconnect(signal: AbortSignal | undefined): Reconnect {
    return new Reconnect(() => (this.#hasAnswered ? this.reconnectSeconds : 0), signal);
  }

  /** The answer's head. Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
  async open(call: Call): Promise<Opened> {
    throwIfCancelled(call.signal);
    const cutter = new Cutter(call.signal);
    const answerSeconds = call.answerSeconds === undefined ? defaultAnswerSeconds : call.answerSeconds;
    cutter.within(answerSeconds);
    try {
      const response = await this.#fetch(this.#base + call.path, this.#init(call, cutter.signal));
      cutter.within(response.ok ? null : defaultAnswerSeconds);
      if (!response.ok) throw await errorOf(response);
      this.#hasAnswered = true;
      return { response, cutter };
    } catch (error) {
      cutter.end();
      throwIfCancelled(call.signal);
      if (cutter.isLate) throw new ConnectionError(`no answer from ${this.#base} within ${answerSeconds} s`);
      throw this.#told(error);
    }
  }

  /** The JSON of an answer; null when it has no body. Throws as `open`. */
  async json(call: Call): Promise<unknown> {
    const reconnect = this.reconnect(call.signal);
    for (;;) {
      try {
        return await this.#jsonOnce(call);
      } catch (error) {
        if (!call.repeatable) throw error;
        await reconnect.pause(error);
      }
    }
  }

  /** A WebSocket of that subprotocol. Throws as `open`. */
  async openSocket(
    call: Pick<Call, "path"> & {
      readonly protocol: string;
      readonly signal: AbortSignal;
    },
  ): Promise<FrameSocket> {
    throwIfCancelled(call.signal);
    const url = this.#base + call.path;
    try {
      const socket = await openSocket({ ...call, ...this.#sockets, url, token: this.#token });
      this.#hasAnswered = true;
      return socket;
    } catch (error) {
      throwIfCancelled(call.signal);
      throw this.#told(error);
    }
  }

  async #jsonOnce(call: Call): Promise<unknown> {
    const { response, cutter } = await this.open(call);
    cutter.within(defaultAnswerSeconds);
    try {
      if (response.status === 204) return null;
      const text = await response.text();
      return text === "" ? null : JSON.parse(text);
    } catch (cause) {
      throwIfCancelled(call.signal);
      throw new ConnectionError(`the answer from ${this.#base} is not whole: ${reasonOf(cause)}`, { cause });
    } finally {
      cutter.end();
    }
  }

  #init(call: Call, signal: AbortSignal): RequestInit {
    const { method = "GET", body } = call;
    const headers: Record<string, string> = {
      Accept: "application/json",
      ...call.headers,
      ...tokenHeaders(this.#token),
    };
    // A redirect would hand the credential on. Bun ends a request after five minutes unless it is told not to.
    const options = { redirect: "error", timeout: false } as const;
    const init = { method, headers, signal, ...options, ...ownCredential(this.#token) };
    if (body === undefined) return init;
    if (body instanceof Uint8Array) return { ...init, body: body as Uint8Array<ArrayBuffer> };
    headers["Content-Type"] = "application/json";
    return { ...init, body: JSON.stringify(body) };
  }

  #told(error: unknown): unknown {
    if (error instanceof ErrandError) this.#hasAnswered = true;
    if (error instanceof ErrandError || error instanceof ConnectionError) return error;
    return new ConnectionError(`no answer from ${this.#base}: ${reasonOf(error)}`, { cause: error });
  }
}

function secondsOf(name: string, value: number): number {
  if (value >= 0) return value;
  throw new RangeError(`${name}: a number of seconds is needed`);
}

import type { JobState } from "./jobTypes.ts";

/** The `fetch` of the platform, or one like it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Where the server is and how to be let in. */
export interface ErrandOptions {
  /** Such as `http://127.0.0.1:8080`. A path in front is for a proxy that takes it away. */
  readonly url: string;
  /** Without one the server must be open. */
  readonly token?: string | undefined;
  /** Instead of the platform's, as for a proxy or a socket file. */
  readonly fetch?: Fetch | undefined;
  /** How long to go on without a connection once there was one: 30 by default; 0: not at all. */
  readonly reconnectSeconds?: number | undefined;
  /** A stream that is silent for so long, without heartbeats too, counts as cut: 90 by default. */
  readonly silenceSeconds?: number | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with `Cancelled`. What the server has been told by then may be done. */
  readonly signal?: AbortSignal | undefined;
}

export interface StartOptions extends CallOptions {
  /** The same key and spec give the same job. A start with a key is tried again after a cut. */
  readonly idempotencyKey?: string | undefined;
  /** Seconds to wait for the end; then the job runs on. Fills `job.captured` when it has ended. */
  readonly wait?: number | undefined;
}

export interface RunOptions extends CallOptions {
  readonly idempotencyKey?: string | undefined;
  /** False: a command that fails is a result as well. */
  readonly check?: boolean | undefined;
  /** Most that is held of each stream: 64 MiB by default. The command goes on with more. */
  readonly captureBytes?: number | undefined;
}

export interface EventsOptions extends CallOptions {
  /** Where to go on: the `cursor` of the last event that was seen. From the begin without it. */
  readonly cursor?: string | undefined;
  /** False: what is there by now, then the end, even without `ended`. */
  readonly follow?: boolean | undefined;
}

export interface OutputOptions extends CallOptions {
  /** Offset of the first byte, 0 by default. */
  readonly from?: number | undefined;
  /** Only so many of the last bytes; not together with `from`. */
  readonly tail?: number | undefined;
  /** Goes on until the job ends. True by default. */
  readonly follow?: boolean | undefined;
}

export interface StdinOptions extends CallOptions {
  /** Bytes that have been written before; 0 by default. */
  readonly offset?: number | undefined;
}

export interface WaitOptions extends CallOptions {
  /** After so many the record is given as it is; without it, the end is waited for. */
  readonly seconds?: number | undefined;
}

export interface StopOptions extends CallOptions {
  /** From TERM to KILL; the server's own without it. */
  readonly graceSeconds?: number | undefined;
}

/** Which jobs to list, newest first. */
export interface ListQuery {
  readonly state?: JobState | readonly JobState[] | undefined;
  readonly alias?: string | undefined;
  /** `key` or `key=value`. */
  readonly label?: string | undefined;
  readonly node?: string | undefined;
  /** RFC 3339. */
  readonly since?: string | Date | undefined;
  /** Jobs that are fetched at once. */
  readonly pageSize?: number | undefined;
}

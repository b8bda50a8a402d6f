import type { AttachEvent, TerminalSize } from "./attachTypes.ts";
import type { JobState } from "./jobTypes.ts";
import type { WebSocketConstructor } from "./platformSocket.ts";

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
  /** A socket file that `job.attach()` goes through; for all else `fetch` has to do so. Node and Bun alone. */
  readonly socketPath?: string | undefined;
  /** For `job.attach()`: instead of the connections of Node and Bun, or of the platform's own class elsewhere. */
  readonly webSocket?: WebSocketConstructor | undefined;
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

export interface AttachOptions extends CallOptions {
  /** Looks on: nothing can be written, and the size stays as it is. */
  readonly readOnly?: boolean | undefined;
  /**
   * What comes first: all output that is kept, which is the default; the last picture of the job's screen; or nothing. With a
   * `cursor` it is what came after that.
   */
  readonly replay?: "all" | "screen" | "none" | undefined;
  /** Where to go on: the `cursor` of an event, or of an attachment. */
  readonly cursor?: string | undefined;
  /** Goes on as that attacher: what it has written counts, and its connection, if there is one, is ended. */
  readonly attacher?: string | undefined;
  /** The size that a job's terminal is given now, and again after a cut. */
  readonly size?: TerminalSize | undefined;
  /**
   * Takes questions to the terminal out of output, so that a terminal which is shown old output does not answer into the job:
   * `replayed`: out of what comes before `live`; `resumed`: only out of what was missed in a cut; `never` by default, since
   * it changes the bytes.
   */
  readonly dropQueries?: "never" | "resumed" | "replayed" | undefined;
  /** Is told what happens beside the bytes. */
  readonly onEvent?: ((event: AttachEvent) => void) | undefined;
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

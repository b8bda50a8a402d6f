import type { StreamName } from "./eventTypes.ts";

/** Of a terminal, in characters. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** What happens beside the bytes. */
export type AttachEvent =
  /** What was there at attaching, or has come while there was no connection, has been handed on. */
  | { readonly type: "live" }
  /** Somebody has given the job's terminal another size. */
  | ({ readonly type: "resize" } & TerminalSize)
  /** Bytes that the server no longer has, or that this client was too slow for. */
  | { readonly type: "gap"; readonly stream: StreamName; readonly from: number; readonly to: number }
  /** The server would not do something, such as to take input that was closed. */
  | { readonly type: "error"; readonly code: string; readonly detail: string }
  /** The connection is lost, and is tried again. */
  | { readonly type: "cut" }
  | { readonly type: "resumed" };

import type { JobRecord, Outcome } from "./jobTypes.ts";

export type StreamName = "stdout" | "stderr";

/** Everything up to this event has been seen: where `job.events({ cursor })` goes on. */
interface WithCursor {
  readonly cursor: string;
}

export interface StartedEvent extends WithCursor {
  readonly type: "started";
  readonly job: JobRecord;
}

/** A piece of output. */
export interface OutputEvent extends WithCursor {
  readonly type: StreamName;
  /** Of the first byte, from the begin of the stream. */
  readonly offset: number;
  /** Exactly what the command wrote. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * The characters that became whole with this event, as UTF-8: a piece of one waits for the next event of the stream.
   * Bytes that are no UTF-8 become U+FFFD. Decoded when asked for.
   */
  readonly text: string;
}

/** Bytes that the server no longer has. */
export interface GapEvent extends WithCursor {
  readonly type: "gap";
  readonly stream: StreamName;
  /** Offset of the first byte that is missing. */
  readonly from: number;
  /** Offset of the first byte behind. */
  readonly to: number;
}

/** The last one. */
export interface EndedEvent extends WithCursor {
  readonly type: "ended";
  /** Null when the job never ran: `job.failure` says why. */
  readonly outcome: Outcome | null;
  readonly job: JobRecord;
  /** Text of a character that was never finished; empty for all others. */
  readonly rest: Readonly<Record<StreamName, string>>;
}

export type JobEvent = StartedEvent | OutputEvent | GapEvent | EndedEvent;

import type { CallbackEvent, CallbackRequest, JobId } from "./job.ts";

/** `pending`: to be tried again; `failed`: all tries are used up; `disabled`: the receiver wants no more. */
export type DeliveryState = "pending" | "delivered" | "failed" | "disabled";

/** One callback, from the event that it tells to its delivery. */
export interface Delivery extends Pick<CallbackRequest, "url" | "form"> {
  /** The same at each try. */
  readonly id: string;
  readonly jobId: JobId;
  readonly event: CallbackEvent;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** Milliseconds since 1970; null unless pending. */
  readonly nextAttemptAt: number | null;
  readonly lastAttemptAt: number | null;
  /** HTTP status of the last answer; null when there was none. */
  readonly lastStatus: number | null;
  /** Why the last try failed; null when it did not. */
  readonly lastError: string | null;
}

/** What became of one try. */
export type DeliveryResult = Pick<
  Delivery,
  "state" | "attempts" | "nextAttemptAt" | "lastAttemptAt" | "lastStatus" | "lastError"
>;

/** The callbacks that are on record. What is written here is on record when the call returns. */
export interface Outbox {
  /** Pending ones whose time has come, the longest due first; of each job only its first that is pending. */
  due(wall: number, count: number): Delivery[];
  /** When the next one will be due; null when none is pending. */
  nextDue(): number | null;
  /** Notes a try. Disabling one disables all of that job's that are pending. */
  settle(id: string, result: DeliveryResult): void;
  /** In the order of their events. */
  ofJob(id: JobId): Delivery[];
  /** Makes all of a job's callbacks pending from the first try on, due at that time; how many that were. */
  resend(id: JobId, wall: number): number;
}

/** Decides which URLs may be called back. */
export interface CallbackPolicy {
  /**
   * Throws `invalid-spec` for what is no http or https URL, `forbidden` for an address that is not allowed. A name is
   * checked again when it is resolved.
   */
  check(url: string): void;
}

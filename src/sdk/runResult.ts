import type { JobRecord, Outcome } from "./jobTypes.ts";

/** What a command that has ended leaves. */
export interface RunResult {
  /** As UTF-8; what is none becomes U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  /** As they were written. */
  readonly stdoutBytes: Uint8Array<ArrayBuffer>;
  readonly stderrBytes: Uint8Array<ArrayBuffer>;
  /** There was more output than is here: more than `captureBytes`, or bytes that the server no longer had. */
  readonly truncated: boolean;
  /** How it ended: `code` or `signal`. */
  readonly outcome: Outcome;
  readonly job: JobRecord;
}

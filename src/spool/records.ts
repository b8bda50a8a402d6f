import type { DisconnectPolicy, EndedJob, JobEnd, JobSpec, RunningJob, StartingJob } from "../core/job.ts";
import type { OutputStream } from "../core/ports.ts";
import { decodeRecord, encodeRecord } from "./fixedRecord.ts";
import { currentBoot, identify, type ProcessIdentity } from "./identity.ts";
import { spoolVersion } from "./layout.ts";

/** Sizes of the records that are overwritten in place. */
export const startedRecordBytes = 512;
export const exitRecordBytes = 1024;

/** Details of an outcome have so much room in the record, as JSON. */
const detailBytes = 256;

/** What stands in `started.json`. */
export interface StartedRecord extends ProcessIdentity {
  readonly version: number;
  readonly startedAt: number;
  /** Streams of which no more is kept. */
  readonly cut: readonly OutputStream[];
}

/** What is known of an end. */
export type ExitRecord = { readonly version: number } & Omit<JobEnd, "output"> & {
    readonly output: Omit<EndedJob["output"], "stderrTail">;
  };

/** The text of `spec.json`. Values of variables and stdin may be secrets and are not needed again. */
export function encodeSpec(job: StartingJob, spec: JobSpec): string {
  const { env, stdin, command, cwd, alias, mode, leftovers, successExitCodes, callback, ...rest } = spec;
  const kept = {
    ...rest,
    env: Object.keys(env),
    stdinBytes: stdin instanceof Uint8Array ? stdin.byteLength : null,
  };
  return JSON.stringify({ version: spoolVersion, job, spec: kept, bootId: currentBoot() });
}

/** What a `spec.json` says. */
export interface SpecRecord {
  readonly job: StartingJob;
  readonly onDisconnect: DisconnectPolicy;
  /** Of the system when it was written; null where that is not known. */
  readonly bootId: string | null;
}

/** What a `spec.json` says; null when that is no whole one of this version. */
export function decodeSpec(text: string): SpecRecord | null {
  const record = parse(text);
  const job = record?.job;
  if (typeof job !== "object" || job === null) return null;
  if (!("state" in job && job.state === "starting" && "id" in job && "command" in job)) return null;
  const spec = record?.spec as { readonly onDisconnect?: DisconnectPolicy } | undefined;
  const bootId = typeof record?.bootId === "string" ? record.bootId : null;
  return { job: { ...older, ...job } as StartingJob, onDisconnect: spec?.onDisconnect ?? "detach", bootId };
}

/** What jobs had before there was a word for it. */
const older = { survive: false, tty: null };

/** True for a text that was cut while it was written: no JSON at all. */
export function isTorn(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}

/** What is known right after the execution. */
export function startedRecord({ pid, startedAt }: RunningJob): StartedRecord {
  return { version: spoolVersion, ...identify(pid), startedAt, cut: [] };
}

/** The block for `started.json`. */
export function encodeStarted(record: StartedRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record).padEnd(startedRecordBytes - 1)}\n`);
}

/** What a `started.json` says; null when the command had not been executed. */
export function decodeStarted(text: string): StartedRecord | null {
  return parse(text) as StartedRecord | null;
}

/** The block for `exit`. */
export function encodeExit({
  startedAt,
  endedAt,
  durationNanoseconds,
  pid,
  outcome,
  output,
}: EndedJob): Uint8Array {
  const { stderrTail: _, ...sums } = output;
  const detail = outcome.detail === null ? null : fitting(outcome.detail);
  const record: ExitRecord = {
    version: spoolVersion,
    ...{ startedAt, endedAt, durationNanoseconds, pid },
    outcome: { ...outcome, detail },
    output: sums,
  };
  return encodeRecord(JSON.stringify(record), exitRecordBytes);
}

/** As much of the text as has room. */
function fitting(text: string): string {
  let fit = text.slice(0, detailBytes);
  while (Buffer.byteLength(JSON.stringify(fit)) > detailBytes) fit = fit.slice(0, -1);
  return fit;
}

/** What an `exit` says; null when the job had not ended, or the record is torn. */
export function decodeExit(block: Uint8Array): ExitRecord | null {
  const text = decodeRecord(block, exitRecordBytes);
  return text === null ? null : (parse(text) as ExitRecord | null);
}

/** Files of a version that this program does not know are not guessed at. */
function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const known = "version" in value && value.version === spoolVersion;
    return known ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

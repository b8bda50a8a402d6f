import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type {
  DisconnectPolicy,
  Job,
  JobEnd,
  JobId,
  OutputSummary,
  RunningJob,
  StartingJob,
} from "../core/job.ts";
import type { OutputStream } from "../core/ports.ts";
import type { Survivor } from "../core/shimPorts.ts";
import { transition } from "../core/transitions.ts";
import { currentBoot, isAlive } from "./identity.ts";
import { fileNames, goneSuffix, jobsDirectory, storedBytes } from "./layout.ts";
import {
  decodeExit,
  decodeSpec,
  decodeStarted,
  isTorn,
  type SpecRecord,
  type StartedRecord,
} from "./records.ts";
import { abandonJob, readShimRecord, type ShimRecord } from "./shimRecord.ts";

interface RecoverParts {
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The last bytes of stderr that go into the record. */
  readonly stderrTailBytes: number;
  /** False when its server had not noted that it was about to be executed. */
  readonly mayHaveRun: boolean;
}

/** A job's directory that tells nothing that this program could go by; it is left as it is. */
export class UnknownDirectory extends Error {
  override readonly name = "UnknownDirectory";
}

/** What has become of a job whose server has gone. */
export type Recovered =
  /** Nothing was ever executed, and no directory is left. */
  | { readonly state: "nothing" }
  /** Its shim lives. */
  | ({ readonly state: "supervised" } & Survivor)
  /** It has ended, has failed to start, or is lost; what carries the mark is what a killed shim has left of it. */
  | { readonly state: "settled"; readonly job: Job; readonly mark: bigint | null };

/**
 * What became of a job whose server has gone, by its directory. Throws `UnknownDirectory`, or what the system says.
 */
export function recoverJob(id: JobId, parts: RecoverParts): Recovered {
  const directory = join(jobsDirectory(parts.data), id);
  const text = readText(join(directory, fileNames.spec));
  const spec = decodeSpec(text);
  if (spec === null || spec.job.id !== id) {
    if (!isTorn(text) || !isUntouched(directory))
      throw new UnknownDirectory(`no spec that is known in ${directory}`);
    return removed(directory);
  }
  const { job, onDisconnect } = spec;
  if (!job.survive) {
    if (isUntouched(directory) && neverRan(spec, parts)) return removed(directory);
    return { state: "settled", job: settledJob(job, parts), mark: null };
  }
  return recoverSurviving({ job, onDisconnect, shim: settledShim(directory) }, parts);
}

/** What a server notes is in memory that outlives it, though not the machine. */
function neverRan({ bootId }: SpecRecord, { mayHaveRun }: RecoverParts): boolean {
  return !mayHaveRun && bootId !== null && bootId === currentBoot();
}

/** Whose the job is, from now on for ever: where no shim has claimed it, none can any more. Null: nobody can read it. */
export function settledShim(directory: string): ShimRecord | null {
  const record = readShimRecord(directory);
  if (record !== null) return record;
  abandonJob(directory);
  return readShimRecord(directory);
}

interface Surviving {
  readonly job: StartingJob;
  readonly onDisconnect: DisconnectPolicy;
  readonly shim: ShimRecord | null;
}

function recoverSurviving({ job, onDisconnect, shim }: Surviving, parts: RecoverParts): Recovered {
  const directory = join(jobsDirectory(parts.data), job.id);
  switch (shim?.state) {
    // After a power failure the record may be gone or empty, and what came of the job is there all the same.
    case undefined:
      return { state: "settled", job: settledJob(job, parts), mark: null };
    case "abandoned":
      if (isUntouched(directory)) return removed(directory);
      return { state: "settled", job: settledJob(job, parts), mark: null };
    case "failed": {
      const refused = { type: "refused", at: at(parts.now), failure: shim.failure } as const;
      return { state: "settled", job: transition(job, refused), mark: null };
    }
    case "claimed": {
      // In this order: a shim that ends in between has left its record by then.
      if (isAlive(shim.shim) && !hasEnded(directory))
        return { state: "supervised", job, onDisconnect, started: readStarted(directory) };
      const settled = settledJob(job, parts);
      // What a job that has ended by itself has left behind is left alone.
      return { state: "settled", job: settled, mark: settled.state === "lost" ? BigInt(shim.mark) : null };
    }
  }
}

/** Under another name first: a shim that comes late must find either all of it or nothing. */
function removed(directory: string): Recovered {
  const nowhere = `${directory}${goneSuffix}`;
  renameSync(directory, nowhere);
  rmSync(nowhere, { recursive: true, force: true });
  return { state: "nothing" };
}

/** True when the job's directory says how it has ended. */
export function hasEnded(directory: string): boolean {
  return decodeExit(readBytes(join(directory, fileNames.exit))) !== null;
}

/** Ended as its exit record says, else lost. */
function settledJob(job: StartingJob, parts: RecoverParts): Job {
  const { end, output, started } = inspectJob(job.id, parts);
  if (end !== null) return { ...job, ...end, state: "ended" };
  return transition(asKnown(job, started), { type: "vanished", at: at(parts.now), output });
}

const at = (wall: number) => ({ wall, monotonic: 0 });

/** Running, when it is known to have been executed. */
function asKnown(job: StartingJob, started: StartedRecord | null): StartingJob | RunningJob {
  if (started === null) return job;
  const executed = { type: "executed", at: at(started.startedAt), pid: started.pid } as const;
  return transition(job, executed) as RunningJob;
}

interface Inspection {
  /** How it ended; null when its directory does not say. */
  readonly end: JobEnd | null;
  readonly started: StartedRecord | null;
  /** By what is there. */
  readonly output: OutputSummary;
}

/** What the directory of a job says that nobody supervises any more. Throws what the system says. */
export function inspectJob(
  id: JobId,
  { data, stderrTailBytes }: Pick<RecoverParts, "data" | "stderrTailBytes">,
): Inspection {
  const jobs = jobsDirectory(data);
  const directory = join(jobs, id);
  const stderrTail = readTail(join(directory, fileNames.stderr), stderrTailBytes);
  const started = readStarted(directory);
  const exit = decodeExit(readBytes(join(directory, fileNames.exit)));
  const sums = { ...measure(directory, started?.cut ?? []), storedBytes: storedBytes(jobs, id) };
  if (exit === null) return { end: null, started, output: { ...sums, stderrTail } };
  const { version: _, output, ...end } = exit;
  return { end: { ...end, output: { ...output, stderrTail } }, started, output: { ...sums, stderrTail } };
}

/** By what is there: of a stream that was cut nobody knows how much had come. */
function measure(directory: string, cut: readonly OutputStream[]): Pick<OutputSummary, OutputStream> {
  const of = (stream: OutputStream) => {
    const truncated = cut.includes(stream);
    const size = statSync(join(directory, fileNames[stream]), { throwIfNoEntry: false })?.size ?? 0;
    return { bytes: truncated ? null : size, keptFrom: 0, truncated };
  };
  return { stdout: of("stdout"), stderr: of("stderr") };
}

function readStarted(directory: string): StartedRecord | null {
  return decodeStarted(readText(join(directory, fileNames.started)));
}

/** True when nothing was executed there: nothing was noted, and nothing has come. */
function isUntouched(directory: string): boolean {
  const outputs = [fileNames.stdout, fileNames.stderr, fileNames.timeline];
  const isEmpty = (name: string) => readBytes(join(directory, name)).byteLength === 0;
  return readText(join(directory, fileNames.started)).trim() === "" && outputs.every(isEmpty);
}

/** Empty when there is no such file. Throws what else the system says: such a file may hold anything. */
function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}

function readText(path: string): string {
  return Buffer.from(readBytes(path)).toString("utf8");
}

function readTail(path: string, mostBytes: number): string {
  try {
    const descriptor = openSync(path, "r");
    try {
      const size = statSync(path).size;
      const buffer = Buffer.alloc(Math.min(size, mostBytes));
      const count = readSync(descriptor, buffer, 0, buffer.byteLength, size - buffer.byteLength);
      return decodeTail(buffer.subarray(0, count), size > mostBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "";
  }
}

/** A cut may have hit the middle of a character: its rest is left out. */
function decodeTail(bytes: Uint8Array, cut: boolean): string {
  let start = 0;
  if (cut) while (start < bytes.byteLength && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return Buffer.from(bytes.subarray(start)).toString("utf8");
}

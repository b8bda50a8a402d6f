import { closeSync, openSync, readFileSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { EndedJob, Job, JobId, OutputSummary, RunningJob, StartingJob } from "../core/job.ts";
import type { OutputStream } from "../core/ports.ts";
import { transition } from "../core/transitions.ts";
import { fileNames, jobsDirectory, storedBytes } from "./layout.ts";
import { decodeExit, decodeSpec, decodeStarted, isTorn, type StartedRecord } from "./records.ts";

interface RecoverParts {
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The last bytes of stderr that go into the record. */
  readonly stderrTailBytes: number;
}

/** A job's directory that tells nothing that this program could go by; it is left as it is. */
export class UnknownDirectory extends Error {
  override readonly name = "UnknownDirectory";
}

/**
 * What became of a job whose server has gone, by its directory: ended as its exit record says, else lost. Null, and no
 * directory is left, when its spec was never whole: then nothing was ever executed. Throws `UnknownDirectory`, or what
 * the system says.
 */
export function recoverJob(id: JobId, { data, now, stderrTailBytes }: RecoverParts): Job | null {
  const jobs = jobsDirectory(data);
  const directory = join(jobs, id);
  const spec = readText(join(directory, fileNames.spec));
  const job = decodeSpec(spec);
  if (job === null || job.id !== id) {
    if (!isTorn(spec) || !isUntouched(directory))
      throw new UnknownDirectory(`no spec that is known in ${directory}`);
    rmSync(directory, { recursive: true, force: true });
    return null;
  }
  const stderrTail = readTail(join(directory, fileNames.stderr), stderrTailBytes);
  const exit = decodeExit(readBytes(join(directory, fileNames.exit)));
  if (exit !== null) {
    const { version: _, output, ...end } = exit;
    return { ...job, ...end, state: "ended", output: { ...output, stderrTail } } satisfies EndedJob;
  }
  const started = decodeStarted(readText(join(directory, fileNames.started)));
  const output = {
    ...measure(directory, started?.cut ?? []),
    ...{ stderrTail, storedBytes: storedBytes(jobs, id) },
  };
  return transition(asKnown(job, started), { type: "vanished", at: at(now), output });
}

const at = (wall: number) => ({ wall, monotonic: 0 });

/** Running, when it is known to have been executed. */
function asKnown(job: StartingJob, started: StartedRecord | null): StartingJob | RunningJob {
  if (started === null) return job;
  const executed = { type: "executed", at: at(started.startedAt), pid: started.pid } as const;
  return transition(job, executed) as RunningJob;
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

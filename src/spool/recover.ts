import { closeSync, openSync, readFileSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { EndedJob, Job, JobId, OutputSummary, StartingJob } from "../core/job.ts";
import type { OutputStream } from "../core/ports.ts";
import { transition } from "../core/transitions.ts";
import { fileNames, jobsDirectory, storedBytes } from "./layout.ts";
import { decodeExit, decodeSpec, decodeStarted } from "./records.ts";
import { readTimeline } from "./timeline.ts";

interface RecoverParts {
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The last bytes of stderr that go into the record. */
  readonly stderrTailBytes: number;
}

/**
 * What became of a job whose server has gone, by its directory: ended as its exit record says, else lost. Null, and no
 * directory is left, when its spec was never whole: then nothing was ever executed.
 */
export function recoverJob(id: JobId, { data, now, stderrTailBytes }: RecoverParts): Job | null {
  const jobs = jobsDirectory(data);
  const directory = join(jobs, id);
  const job = decodeSpec(readText(join(directory, fileNames.spec)));
  if (job === null || job.id !== id) {
    rmSync(directory, { recursive: true, force: true });
    return null;
  }
  const stderrTail = readTail(join(directory, fileNames.stderr), stderrTailBytes);
  const exit = decodeExit(readBytes(join(directory, fileNames.exit)));
  if (exit !== null) {
    const { version: _, output, ...end } = exit;
    return { ...job, ...end, state: "ended", output: { ...output, stderrTail } } satisfies EndedJob;
  }
  const output = { ...measure(directory), stderrTail, storedBytes: storedBytes(jobs, id) };
  return lose(job, directory, { now, output });
}

function lose(
  job: StartingJob,
  directory: string,
  { now, output }: { now: number; output: OutputSummary },
): Job {
  const started = decodeStarted(readText(join(directory, fileNames.started)));
  const at = (wall: number) => ({ wall, monotonic: 0 });
  const known =
    started === null
      ? job
      : transition(job, { type: "executed", at: at(started.startedAt), pid: started.pid });
  return transition(known, { type: "vanished", at: at(now), output });
}

/** By what is there: how much more had come is told only by the note that something was cut. */
function measure(directory: string): Pick<OutputSummary, OutputStream> {
  const entries = readTimeline(readBytes(join(directory, fileNames.timeline)));
  const of = (stream: OutputStream) => {
    const truncated = entries.some((entry) => entry.cut && entry.stream === stream);
    const size = statSync(join(directory, fileNames[stream]), { throwIfNoEntry: false })?.size ?? 0;
    return { bytes: truncated ? null : size, keptFrom: 0, truncated };
  };
  return { stdout: of("stdout"), stderr: of("stderr") };
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array(0);
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
      return buffer.toString("utf8", 0, count);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "";
  }
}

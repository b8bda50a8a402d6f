import { closeSync, fsync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EndedJob, RunningJob } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { JobFiles, OutputStream } from "../core/ports.ts";
import type { DataQuota } from "../core/quota.ts";
import { emptyRecord } from "./fixedRecord.ts";
import { directoryBytes, fileNames, onDisk } from "./layout.ts";
import { OutputFile } from "./outputFile.ts";
import {
  encodeExit,
  encodeStarted,
  exitRecordBytes,
  type StartedRecord,
  startedRecord,
  startedRecordBytes,
} from "./records.ts";
import { TimelineWriter } from "./timeline.ts";

const sync = promisify(fsync);

export interface DirectoryParts {
  readonly path: string;
  /** The text of `spec.json`. */
  readonly spec: string;
  /** Output beyond this is not kept, both streams together. */
  readonly keptBytes: number;
  readonly limits: Pick<Limits, "timelineBytes">;
  readonly quota: DataQuota;
  readonly wall: () => number;
  /** A record of the job's life could not be written. */
  readonly onError: (error: unknown) => void;
}

/** What the files take that every job has, before any output. */
export function fixedBytes(spec: string): number {
  const records = onDisk(startedRecordBytes) + onDisk(exitRecordBytes);
  return directoryBytes + onDisk(Buffer.byteLength(spec)) + records;
}

type FileName = keyof typeof fileNames;
type Descriptors = Readonly<Record<FileName, number>>;

/** One job's directory while the job lives. Its files are open from the start: descriptors cannot run out later. */
export class JobDirectory implements JobFiles {
  readonly #parts: DirectoryParts;
  readonly #descriptors: Descriptors;
  readonly #open: Set<FileName>;
  readonly #files: { readonly [stream in OutputStream]: OutputFile };
  readonly #timeline: TimelineWriter;
  /** What stands in `started.json`; null until the execution. */
  #started: StartedRecord | null = null;
  #keptBytes = 0;
  #notify = () => {};

  private constructor(parts: DirectoryParts, descriptors: Descriptors) {
    const { quota, limits } = parts;
    this.#parts = parts;
    this.#descriptors = descriptors;
    this.#open = new Set(Object.keys(descriptors) as FileName[]);
    this.#files = {
      stdout: new OutputFile({ descriptor: descriptors.stdout, quota }),
      stderr: new OutputFile({ descriptor: descriptors.stderr, quota }),
    };
    this.#timeline = new TimelineWriter(descriptors.timeline, {
      mostBytes: limits.timelineBytes,
      take: (bytes) => quota.take(bytes),
      give: (bytes) => quota.give(bytes),
    });
  }

  /** Makes the directory; the spec is on the disk when this resolves. Throws what the system says, and leaves nothing. */
  static async create(parts: DirectoryParts): Promise<JobDirectory> {
    mkdirSync(parts.path, { mode: 0o700 });
    const opened: Partial<Record<keyof typeof fileNames, number>> = {};
    try {
      for (const name of Object.keys(fileNames) as (keyof typeof fileNames)[]) {
        opened[name] = openSync(join(parts.path, fileNames[name]), "wx", 0o600);
      }
      const descriptors = opened as Descriptors;
      writeFileSync(descriptors.spec, parts.spec);
      // Real bytes: a disk that is full later has room for these records all the same.
      writeSync(descriptors.started, emptyRecord(startedRecordBytes));
      writeSync(descriptors.exit, emptyRecord(exitRecordBytes));
      await sync(descriptors.spec);
      return new JobDirectory(parts, descriptors);
    } catch (error) {
      for (const descriptor of Object.values(opened)) closeSync(descriptor);
      rmSync(parts.path, { recursive: true, force: true });
      throw error;
    }
  }

  started(job: RunningJob): void {
    this.#started = startedRecord(job);
    this.#writeStarted(this.#started);
    this.#close("spec");
  }

  write(stream: OutputStream, chunk: Uint8Array): void {
    const file = this.#files[stream];
    const wasTruncated = file.truncated;
    const now = this.#parts.wall();
    const kept = file.write(chunk, this.#parts.keptBytes - this.#keptBytes);
    this.#keptBytes += kept;
    if (kept > 0) this.#timeline.add(stream, kept, now);
    if (file.truncated && !wasTruncated) this.#noteCut(stream, now);
    if (kept > 0) this.#notify();
  }

  onWrite(callback: () => void): void {
    this.#notify = callback;
  }

  summary() {
    const { stdout, stderr } = this.#files;
    this.#timeline.flush();
    return { stdout: stdout.summary(), stderr: stderr.summary(), storedBytes: this.#storedBytes() };
  }

  ended(job: EndedJob): void {
    this.#write("exit", () => encodeExit(job));
    this.#closeAll();
  }

  discard(): void {
    if (this.#open.size === 0) return;
    this.#closeAll();
    rmSync(this.#parts.path, { recursive: true, force: true });
    this.#parts.quota.give(this.#storedBytes());
  }

  #write(name: FileName, encode: () => Uint8Array): void {
    try {
      const block = encode();
      writeSync(this.#descriptors[name], block, 0, block.byteLength, 0);
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  #writeStarted(record: StartedRecord): void {
    this.#write("started", () => encodeStarted(record));
  }

  #close(name: FileName): void {
    if (this.#open.delete(name)) closeSync(this.#descriptors[name]);
  }

  #closeAll(): void {
    for (const name of this.#open) this.#close(name);
  }

  /** In a record that has its room already: the reason may be a full disk. */
  #noteCut(stream: OutputStream, at: number): void {
    this.#timeline.cut(stream, at);
    if (this.#started === null) return;
    this.#started = { ...this.#started, cut: [...this.#started.cut, stream] };
    this.#writeStarted(this.#started);
  }

  #storedBytes(): number {
    const { stdout, stderr } = this.#files;
    return (
      fixedBytes(this.#parts.spec) + stdout.storedBytes + stderr.storedBytes + this.#timeline.storedBytes
    );
  }
}

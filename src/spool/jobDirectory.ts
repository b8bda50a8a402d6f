import { closeSync, fsync, mkdirSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { EndedJob, RunningJob } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { JobFiles, OutputStream } from "../core/ports.ts";
import type { DataQuota } from "../core/quota.ts";
import { firstContents } from "./firstContents.ts";
import { directoryBytes, type FileName, fileNames, onDisk } from "./layout.ts";
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

/** The helper of `node:util` for this takes 3 ms to load: a quarter of a shim's start. */
const sync = (descriptor: number) =>
  new Promise<void>((resolve, reject) =>
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error))),
  );

/** Directories that were made ahead. */
export interface Ready {
  /** Makes one of them the directory of that path; false when there is none. */
  take(path: string): boolean;
}

export interface DirectoryParts {
  readonly path: string;
  readonly ready?: Ready;
  /** Output beyond this is not kept, both streams together. */
  readonly keptBytes: number;
  readonly limits: Pick<Limits, "timelineBytes">;
  readonly quota: Pick<DataQuota, "take" | "give">;
  readonly wall: () => number;
  /** A record of the job's life could not be written. */
  readonly onError: (error: unknown) => void;
}

/** What the files take that every job has, before any output. */
export function fixedBytes(specBytes: number): number {
  const records = onDisk(startedRecordBytes) + onDisk(exitRecordBytes);
  return directoryBytes + onDisk(specBytes) + records;
}

/** The same for a job that has a shim. */
export function preparedBytes(specBytes: number): number {
  return fixedBytes(specBytes) + onDisk(1);
}

type Descriptors = Readonly<Record<FileName, number>>;

const names = Object.keys(fileNames) as FileName[];

/**
 * Makes the directory with its files; the spec, whose text this is, is on the disk when this resolves. Throws what the
 * system says, and leaves nothing.
 */
async function makeFiles(path: string, spec: string, ready?: Ready): Promise<Descriptors> {
  const found = ready?.take(path) ?? false;
  if (!found) mkdirSync(path, { mode: 0o700 });
  try {
    const descriptors = openAll(path, found ? "r+" : "wx");
    try {
      if (!found) writeFirst(descriptors);
      writeFileSync(descriptors.spec, spec);
      await sync(descriptors.spec);
      return descriptors;
    } catch (error) {
      closeThese(descriptors);
      throw error;
    }
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

function writeFirst(descriptors: Descriptors): void {
  for (const name of names) {
    const content = firstContents[name];
    if (content !== undefined) writeSync(descriptors[name], content);
  }
}

function openAll(path: string, flag: "wx" | "r+"): Descriptors {
  const opened: Partial<Record<FileName, number>> = {};
  try {
    for (const name of names) opened[name] = openSync(join(path, fileNames[name]), flag, 0o600);
    return opened as Descriptors;
  } catch (error) {
    closeThese(opened);
    throw error;
  }
}

function closeThese(descriptors: Partial<Descriptors>): void {
  for (const descriptor of Object.values(descriptors)) closeSync(descriptor);
}

/** Makes a directory for another process to run a job in. Resolves and throws as `JobDirectory.create`. */
export async function prepareDirectory(path: string, spec: string, ready?: Ready): Promise<void> {
  closeThese(await makeFiles(path, spec, ready));
}

/** One job's directory while the job lives. Its files are open from the start: descriptors cannot run out later. */
export class JobDirectory implements JobFiles {
  readonly #parts: DirectoryParts;
  readonly #fixedBytes: number;
  readonly #descriptors: Descriptors;
  readonly #open: Set<FileName>;
  readonly #files: { readonly [stream in OutputStream]: OutputFile };
  readonly #timeline: TimelineWriter;
  /** What stands in `started.json`; null until the execution. */
  #started: StartedRecord | null = null;
  #keptBytes = 0;
  #notify = () => {};

  private constructor(parts: DirectoryParts, descriptors: Descriptors, ownBytes: number) {
    const { quota, limits } = parts;
    this.#parts = parts;
    this.#fixedBytes = ownBytes;
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
  static async create(parts: DirectoryParts, spec: string): Promise<JobDirectory> {
    return new JobDirectory(
      parts,
      await makeFiles(parts.path, spec, parts.ready),
      fixedBytes(Buffer.byteLength(spec)),
    );
  }

  /** Opens a directory that `prepareDirectory` has made. Throws what the system says. */
  static open(parts: DirectoryParts): JobDirectory {
    const specBytes = statSync(join(parts.path, fileNames.spec)).size;
    return new JobDirectory(parts, openAll(parts.path, "r+"), preparedBytes(specBytes));
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
    this.#timeline.turnTo(stream);
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
    return { stdout: stdout.summary(), stderr: stderr.summary(), storedBytes: this.storedBytes };
  }

  ended(job: EndedJob): void {
    this.#write("exit", () => encodeExit(job));
    this.#closeAll();
  }

  /** What the files take on the disk by now. */
  get storedBytes(): number {
    const { stdout, stderr } = this.#files;
    return this.#fixedBytes + stdout.storedBytes + stderr.storedBytes + this.#timeline.storedBytes;
  }

  /** Closes the files and leaves them as they are. */
  close(): void {
    this.#closeAll();
  }

  discard(): void {
    if (this.#open.size === 0) return;
    this.#closeAll();
    rmSync(this.#parts.path, { recursive: true, force: true });
    this.#parts.quota.give(this.storedBytes);
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
}

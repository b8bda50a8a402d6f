import type { EndedJob, RunningJob } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { JobFiles, OutputStream } from "../core/ports.ts";
import { type DirectoryParts, JobDirectory } from "../spool/jobDirectory.ts";

/**
 * A server that is there has counted all but so much, or no more is read: no job exceeds the quota by more. Of a large
 * data directory a smaller share is enough.
 */
const smallestWindowBytes = 256 * 1024;
const largestWindowBytes = 4 * 1024 * 1024;
const windowShare = 1 / 64;
/** Between two reports of what has been written, unless it is more than the second share of the window. */
const reportMilliseconds = 1;
const reportShare = 1 / 4;

interface FilesParts extends Omit<DirectoryParts, "quota" | "limits"> {
  readonly limits: Pick<Limits, "timelineBytes" | "dataBytes">;
}

/**
 * The files of a shim's job. The quota of the data directory is the server's: it is told what has been written, and says
 * when there is no room for more. Without a server nobody counts.
 */
export class CountedFiles implements JobFiles {
  readonly #files: JobDirectory;
  readonly #report: (storedBytes: number) => void;
  readonly #windowBytes: number;
  #full = false;
  #countedBytes = 0;
  #hasServer = true;
  #reportedAt = 0;
  #reportedBytes = 0;
  #timer: Timer | null = null;
  #wake: (() => void)[] = [];

  /** Opens the directory. Throws what the system says. */
  constructor(parts: FilesParts, report: (storedBytes: number) => void) {
    const quota = { take: () => !this.#full, give() {} };
    this.#files = JobDirectory.open({ ...parts, quota });
    this.#report = report;
    const share = parts.limits.dataBytes * windowShare;
    this.#windowBytes = Math.min(largestWindowBytes, Math.max(smallestWindowBytes, share));
    this.#countedBytes = this.#files.storedBytes;
    this.#files.onWrite(() => this.#noteWrite());
  }

  /** What the files take on the disk. */
  get storedBytes(): number {
    return this.#files.storedBytes;
  }

  started(job: RunningJob): void {
    this.#files.started(job);
  }

  write(stream: OutputStream, chunk: Uint8Array): void {
    this.#files.write(stream, chunk);
  }

  room(): Promise<void> | null {
    if (!this.#hasServer || this.#full || this.#uncountedBytes() <= this.#windowBytes) return null;
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #uncountedBytes(): number {
    return this.storedBytes - this.#countedBytes;
  }

  /** The server has counted so much; `full`: no more is to be kept. */
  counted(storedBytes: number, full: boolean): void {
    this.#countedBytes = storedBytes;
    this.#full ||= full;
    this.#wakeAll();
  }

  /** A server has come, or gone. */
  set hasServer(value: boolean) {
    this.#hasServer = value;
    this.#countedBytes = this.storedBytes;
    this.#wakeAll();
  }

  onWrite(): void {}

  summary() {
    return this.#files.summary();
  }

  ended(job: EndedJob): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#files.ended(job);
  }

  /** The directory is the server's: it is left as it is. */
  discard(): void {
    this.#files.close();
  }

  #noteWrite(): void {
    if (!this.#hasServer) return;
    const now = performance.now();
    const isMuch = this.storedBytes - this.#reportedBytes >= this.#windowBytes * reportShare;
    if (isMuch || now - this.#reportedAt >= reportMilliseconds) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), reportMilliseconds);
  }

  #tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#reportedAt = performance.now();
    this.#reportedBytes = this.storedBytes;
    this.#report(this.#reportedBytes);
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

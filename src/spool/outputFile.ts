import { writeSync } from "node:fs";
import type { StreamSummary } from "../core/job.ts";
import { onDisk } from "./layout.ts";

/** The part of the data directory's quota that one file has. */
interface FileQuota {
  /** Takes so many bytes; false when there are none left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

interface OutputFileParts {
  readonly descriptor: number;
  readonly quota: FileQuota;
}

/** One stream's file. What cannot be kept is counted and told. */
export class OutputFile {
  readonly #parts: OutputFileParts;
  #bytes = 0;
  #kept = 0;
  #taken = 0;
  #truncated = false;

  constructor(parts: OutputFileParts) {
    this.#parts = parts;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  /** What the file takes on the disk. */
  get storedBytes(): number {
    return this.#taken;
  }

  /** Keeps the chunk, or as much of it as `mostBytes` and the disk allow; the number of bytes that were kept. */
  write(chunk: Uint8Array, mostBytes: number): number {
    this.#bytes += chunk.byteLength;
    if (this.#truncated) return 0;
    const room = Math.min(chunk.byteLength, mostBytes);
    const kept = this.#takeFromQuota(room) ? this.#append(chunk, room) : 0;
    // A hole is worse than an end: once something is missing nothing more is kept.
    if (kept < chunk.byteLength) this.#truncated = true;
    if (kept < room) this.#giveBack();
    return kept;
  }

  summary(): StreamSummary {
    return { bytes: this.#bytes, keptFrom: 0, truncated: this.#truncated };
  }

  #takeFromQuota(bytes: number): boolean {
    const wanted = onDisk(this.#kept + bytes) - this.#taken;
    if (wanted <= 0) return true;
    if (!this.#parts.quota.take(wanted)) return false;
    this.#taken += wanted;
    return true;
  }

  /** What was taken for bytes that the disk did not take. */
  #giveBack(): void {
    const surplus = this.#taken - onDisk(this.#kept);
    this.#taken -= surplus;
    this.#parts.quota.give(surplus);
  }

  /** A full disk takes a part, then nothing. */
  #append(chunk: Uint8Array, length: number): number {
    let written = 0;
    try {
      while (written < length) {
        written += writeSync(this.#parts.descriptor, chunk, written, length - written, this.#kept + written);
      }
    } catch {
      // Told as truncated.
    }
    this.#kept += written;
    return written;
  }
}

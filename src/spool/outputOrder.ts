import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import { join } from "node:path";
import type { OutputPosition, OutputReader, OutputStream, OutputStretch } from "../core/ports.ts";
import { fileNames } from "./layout.ts";
import { neverWas, OrderIndex } from "./orderIndex.ts";
import { timelineRecordBytes } from "./timeline.ts";

interface OrderParts {
  /** Nobody follows the job any more. */
  readonly onUnused: () => void;
}

/** Read from a timeline at once, by one at a time. */
const timelineChunk = new Uint8Array(4_096 * timelineRecordBytes);

/** A command that never stops writing is looked at so often. */
const mostTries = 100;

/** The order of one job's output, read from its timeline once for all who follow it. */
export class SharedOrder {
  readonly #parts: OrderParts;
  readonly #descriptors: { readonly [stream in OutputStream | "timeline"]: number };
  readonly #index = new OrderIndex();
  #timelineBytes = 0;
  #users = 0;
  /** The last piece that was read: those who follow a live job all want the same. */
  #last: { readonly key: string; readonly piece: Promise<Uint8Array> } | null = null;

  /** Opens the files in the directory. Throws what the system says. */
  constructor(directory: string, parts: OrderParts) {
    this.#parts = parts;
    const opened: number[] = [];
    try {
      for (const name of ["stdout", "stderr", "timeline"] as const)
        opened.push(openSync(join(directory, fileNames[name]), "r"));
    } catch (error) {
      opened.forEach(closeSync);
      throw error;
    }
    const [stdout = -1, stderr = -1, timeline = -1] = opened;
    this.#descriptors = { stdout, stderr, timeline };
  }

  /** One more follower. */
  open(): OutputReader {
    this.#users += 1;
    let open = true;
    return {
      at: (position) => this.#at(position),
      read: (stream, offset, length) => this.#read(stream, offset, length),
      tail: (bytes) => this.#tail(bytes),
      close: () => {
        if (open) this.#leave();
        open = false;
      },
    };
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#parts.onUnused();
    for (const descriptor of Object.values(this.#descriptors)) closeSync(descriptor);
  }

  #at(position: OutputPosition): OutputStretch | null {
    if (position.stdout + position.stderr < this.#index.bytes) return this.#index.at(position);
    // Sizes first: what another process writes in between is then beyond them, and no older than the order.
    const sizes = { stdout: this.#size("stdout"), stderr: this.#size("stderr") };
    this.#readOn();
    return this.#index.at(position) ?? unrecorded(position, sizes);
  }

  #tail(bytes: number): OutputPosition {
    const { stdout, stderr } = this.#sizesAtOnce();
    this.#readOn();
    const seen = Math.max(0, stdout + stderr - bytes);
    const recorded = this.#index.position(seen);
    // Beyond the timeline, as `unrecorded` has it.
    const beyond = seen - recorded.stdout - recorded.stderr;
    const ofStdout = Math.min(beyond, stdout - recorded.stdout);
    return { stdout: recorded.stdout + ofStdout, stderr: recorded.stderr + beyond - ofStdout };
  }

  /** Of both files at one moment, as far as that can be had: another process may write to them. */
  #sizesAtOnce(): OutputPosition {
    for (let tries = 0; ; tries += 1) {
      const [stdout, stderr] = [this.#size("stdout"), this.#size("stderr")];
      if (tries === mostTries || this.#size("stdout") === stdout) return { stdout, stderr };
    }
  }

  #size(stream: OutputStream): number {
    return fstatSync(this.#descriptors[stream]).size;
  }

  #readOn(): void {
    for (;;) {
      const { timeline } = this.#descriptors;
      const count = readSync(timeline, timelineChunk, 0, timelineChunk.byteLength, this.#timelineBytes);
      const whole = count - (count % timelineRecordBytes);
      this.#index.add(timelineChunk.subarray(0, whole));
      this.#timelineBytes += whole;
      if (whole < timelineChunk.byteLength) return;
    }
  }

  #read(stream: OutputStream, offset: number, length: number): Promise<Uint8Array> {
    const key = `${stream} ${offset} ${length}`;
    if (this.#last?.key === key) return this.#last.piece;
    const piece = readPiece(this.#descriptors[stream], offset, length);
    this.#last = { key, piece };
    return piece;
  }
}

/**
 * Bytes beyond the timeline: what has come last is noted only when something else comes, and nothing is noted when the
 * timeline is full or its writer was killed. First stdout, then stderr.
 */
function unrecorded(position: OutputPosition, sizes: OutputPosition): OutputStretch | null {
  const [stdout, stderr] = [sizes.stdout - position.stdout, sizes.stderr - position.stderr];
  if (stdout < 0 || stderr < 0) throw neverWas(position);
  if (stdout > 0) return { stream: "stdout", bytes: stdout, complete: false };
  return stderr > 0 ? { stream: "stderr", bytes: stderr, complete: false } : null;
}

function readPiece(descriptor: number, offset: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const buffer = new Uint8Array(length);
    read(descriptor, buffer, 0, length, offset, (error, count) => {
      if (error !== null) reject(error);
      else resolve(count < length ? buffer.subarray(0, count) : buffer);
    });
  });
}

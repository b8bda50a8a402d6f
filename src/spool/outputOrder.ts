import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import type { OutputPosition, OutputReader, OutputStream, OutputStretch } from "../core/ports.ts";
import { fileNames } from "./layout.ts";
import { readTimeline, timelineRecordBytes } from "./timeline.ts";

interface OrderParts {
  /** What has come and is not in the timeline yet; null when there is nothing, or nobody writes. */
  readonly pending: () => { readonly stream: OutputStream; readonly bytes: number } | null;
  /** Nobody follows the job any more. */
  readonly onUnused: () => void;
}

/** Read from the timeline at once. */
const timelineChunkBytes = 4_096 * timelineRecordBytes;

/** The order of one job's output, read from its timeline once for all who follow it. */
export class SharedOrder {
  readonly #parts: OrderParts;
  readonly #descriptors: { readonly [stream in OutputStream | "timeline"]: number };
  /** After each stretch: bytes of both streams together, and of stdout alone. */
  readonly #ends: number[] = [];
  readonly #stdoutEnds: number[] = [];
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
    const seen = position.stdout + position.stderr;
    if (seen >= (this.#ends.at(-1) ?? 0)) this.#readOn();
    const end = this.#ends.at(-1) ?? 0;
    if (seen < end) return this.#recorded(position, seen);
    const stdoutEnd = this.#stdoutEnds.at(-1) ?? 0;
    if (position.stdout < stdoutEnd || position.stderr < end - stdoutEnd) throw neverWas(position);
    const pending = this.#parts.pending();
    if (pending !== null && seen < end + pending.bytes)
      return { stream: pending.stream, bytes: end + pending.bytes - seen, complete: false };
    return pending === null ? this.#unrecorded(position) : null;
  }

  /** By bisection: which stretch comes after so many bytes. */
  #recorded(position: OutputPosition, seen: number): OutputStretch {
    let low = 0;
    for (let high = this.#ends.length - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) > seen) high = middle;
      else low = middle + 1;
    }
    const before = this.#ends[low - 1] ?? 0;
    const stdoutBefore = this.#stdoutEnds[low - 1] ?? 0;
    const stream = (this.#stdoutEnds[low] ?? 0) > stdoutBefore ? "stdout" : "stderr";
    const stdout = stdoutBefore + (stream === "stdout" ? seen - before : 0);
    if (stdout !== position.stdout) throw neverWas(position);
    return { stream, bytes: (this.#ends[low] ?? 0) - seen, complete: true };
  }

  /** Bytes beyond the timeline, when it was full or its writer was killed: first stdout, then stderr. */
  #unrecorded(position: OutputPosition): OutputStretch | null {
    for (const stream of ["stdout", "stderr"] as const) {
      const bytes = fstatSync(this.#descriptors[stream]).size - position[stream];
      if (bytes < 0) throw neverWas(position);
      if (bytes > 0) return { stream, bytes, complete: false };
    }
    return null;
  }

  #readOn(): void {
    const buffer = new Uint8Array(timelineChunkBytes);
    for (;;) {
      const count = readSync(this.#descriptors.timeline, buffer, 0, buffer.byteLength, this.#timelineBytes);
      const whole = count - (count % timelineRecordBytes);
      for (const { stream, bytes } of readTimeline(buffer.subarray(0, whole))) {
        if (bytes === 0) continue;
        this.#ends.push((this.#ends.at(-1) ?? 0) + bytes);
        this.#stdoutEnds.push((this.#stdoutEnds.at(-1) ?? 0) + (stream === "stdout" ? bytes : 0));
      }
      this.#timelineBytes += whole;
      if (whole < buffer.byteLength) return;
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

function readPiece(descriptor: number, offset: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const buffer = new Uint8Array(length);
    read(descriptor, buffer, 0, length, offset, (error, count) => {
      if (error !== null) reject(error);
      else resolve(count < length ? buffer.subarray(0, count) : buffer);
    });
  });
}

function neverWas({ stdout, stderr }: OutputPosition): ErrandError {
  return new ErrandError(
    "invalid-parameter",
    `cursor ${stdout}-${stderr}: the output never was at that place`,
  );
}

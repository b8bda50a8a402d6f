import { writeSync } from "node:fs";
import type { OutputStream } from "../core/ports.ts";
import { onDisk } from "./layout.ts";

/*
 * The timeline gives back order and time: records of 16 bytes, little endian. First the time of the chunk in
 * microseconds since 1970, then a kind in the highest byte and the number of bytes in the other seven.
 */

export const timelineRecordBytes = 16;

const kinds = { stdout: 1n, stderr: 2n, stdoutCut: 3n, stderrCut: 4n } as const;
const kindBits = 56n;
const lengthMask = (1n << kindBits) - 1n;

/** One stretch of one stream, or the note that nothing more of it is kept. */
export interface TimelineEntry {
  readonly stream: OutputStream;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
  readonly cut: boolean;
}

/** What comes on one stream within this time is one record. */
const sameRecordMilliseconds = 10;

interface TimelineRoom {
  /** The file may have so many bytes. */
  readonly mostBytes: number;
  /** Takes so many bytes of the data directory's quota; false when there are none left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** Writes a timeline. A record is written when the next one begins. */
export class TimelineWriter {
  readonly #descriptor: number;
  /** What the file may take, and what of it is taken of the quota. */
  readonly #room: TimelineRoom;
  #last: { stream: OutputStream; at: number; bytes: number } | null = null;
  #writtenBytes = 0;
  /** A record had no room. After a hole the order would be a wrong one, so nothing follows it. */
  #full = false;

  constructor(descriptor: number, room: TimelineRoom) {
    this.#descriptor = descriptor;
    this.#room = room;
  }

  /** What the file takes on the disk. */
  get storedBytes(): number {
    return onDisk(this.#writtenBytes);
  }

  /**
   * Bytes of that stream are to be written next. What is known of the other is noted before, so that somebody who reads
   * the files meanwhile finds unnoted bytes in one stream alone.
   */
  turnTo(stream: OutputStream): void {
    if (this.#last !== null && this.#last.stream !== stream) this.flush();
  }

  /** So many bytes have been kept at that time (milliseconds since 1970). */
  add(stream: OutputStream, bytes: number, at: number): void {
    const last = this.#last;
    if (last !== null && last.stream === stream && at - last.at < sameRecordMilliseconds) {
      last.bytes += bytes;
      return;
    }
    this.flush();
    this.#last = { stream, at, bytes };
  }

  /** Nothing more of the stream is kept. */
  cut(stream: OutputStream, at: number): void {
    this.flush();
    this.#write(stream === "stdout" ? kinds.stdoutCut : kinds.stderrCut, at, 0);
  }

  /** Writes what is waiting. */
  flush(): void {
    const last = this.#last;
    this.#last = null;
    if (last !== null) this.#write(kinds[last.stream], last.at, last.bytes);
  }

  #write(kind: bigint, at: number, bytes: number): void {
    const next = this.#writtenBytes + timelineRecordBytes;
    const wanted = onDisk(next) - onDisk(this.#writtenBytes);
    if (this.#full || next > this.#room.mostBytes || (wanted > 0 && !this.#room.take(wanted))) {
      this.#full = true;
      return;
    }
    const record = new BigUint64Array(2);
    record[0] = BigInt(Math.round(at * 1_000));
    record[1] = (kind << kindBits) | BigInt(bytes);
    try {
      writeSync(this.#descriptor, new Uint8Array(record.buffer), 0, timelineRecordBytes, this.#writtenBytes);
      this.#writtenBytes = next;
    } catch {
      // A full disk: the bytes themselves are kept or told to be cut, only their time is lost.
      this.#full = true;
      this.#room.give(wanted);
    }
  }
}

/** The entries of a timeline; a torn one at the end does not count. */
export function readTimeline(bytes: Uint8Array): TimelineEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: TimelineEntry[] = [];
  for (let offset = 0; offset + timelineRecordBytes <= bytes.byteLength; offset += timelineRecordBytes) {
    const rest = view.getBigUint64(offset + 8, true);
    const kind = rest >> kindBits;
    entries.push({
      stream: kind === kinds.stdout || kind === kinds.stdoutCut ? "stdout" : "stderr",
      at: Number(view.getBigUint64(offset, true)) / 1_000,
      bytes: Number(rest & lengthMask),
      cut: kind === kinds.stdoutCut || kind === kinds.stderrCut,
    });
  }
  return entries;
}

import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import type { Mark } from "./mark.ts";

/*
 * Ids and marks of the jobs that die with the server, in a file that is mapped into memory: a start costs two stores
 * and no system call. The file outlives the server, so the watchdog and the next server read what was alive.
 */

const bytesPerNumber = 8;
const bytesPerJob = 2 * bytesPerNumber;

/** The writing side: the server's. */
export class LiveJobs {
  readonly #numbers: BigUint64Array;
  readonly #slots = new Map<bigint, number>();
  readonly #free: number[] = [];

  /** Makes the file anew, with room for that many jobs. */
  constructor(path: string, capacity: number) {
    // Real bytes: on a disk that is full later, a store into a hole would be the end of this process. A file that has
    // them already is not made shorter first, since the disk may be full now.
    const flag = existsSync(path) ? "r+" : "w";
    writeFileSync(path, new Uint8Array(capacity * bytesPerJob), { mode: 0o600, flush: true, flag });
    truncateSync(path, capacity * bytesPerJob);
    const bytes = Bun.mmap(path, { shared: true });
    this.#numbers = new BigUint64Array(bytes.buffer, bytes.byteOffset, 2 * capacity);
    for (let slot = capacity - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** Notes a job before its process is made; false when there is no room. */
  add(id: bigint, mark: Mark): boolean {
    const slot = this.#free.pop();
    if (slot === undefined) return false;
    this.#numbers[2 * slot] = id;
    this.#numbers[2 * slot + 1] = mark;
    this.#slots.set(id, slot);
    return true;
  }

  /** Forgets a job that has ended. */
  delete(id: bigint): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#numbers[2 * slot] = 0n;
    this.#numbers[2 * slot + 1] = 0n;
    this.#free.push(slot);
  }
}

/** The jobs in such a file; none when there is no file. */
export function readLiveJobs(path: string): { readonly id: bigint; readonly mark: Mark }[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return [];
  }
  const jobs: { id: bigint; mark: Mark }[] = [];
  for (let offset = 0; offset + bytesPerJob <= bytes.byteLength; offset += bytesPerJob) {
    const id = bytes.readBigUInt64LE(offset);
    const mark = bytes.readBigUInt64LE(offset + bytesPerNumber);
    if (id !== 0n && mark !== 0n) jobs.push({ id, mark });
  }
  return jobs;
}

import { closeSync, ftruncateSync, openSync, readFileSync } from "node:fs";

/*
 * The ids of the jobs that die with the server, in a file that is mapped into memory: a start costs one store, no
 * system call. The file outlives the server, so the watchdog and the next server read what was alive.
 */

const bytesPerId = 8;

/** The writing side: the server's. */
export class LiveJobs {
  readonly #ids: BigUint64Array;
  readonly #slots = new Map<bigint, number>();
  readonly #free: number[] = [];

  /** Makes the file anew, with room for that many jobs. */
  constructor(path: string, capacity: number) {
    const descriptor = openSync(path, "w", 0o600);
    ftruncateSync(descriptor, capacity * bytesPerId);
    closeSync(descriptor);
    const bytes = Bun.mmap(path, { shared: true });
    this.#ids = new BigUint64Array(bytes.buffer, bytes.byteOffset, capacity);
    for (let slot = capacity - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** Notes a job before its process is made; false when there is no room. */
  add(id: bigint): boolean {
    const slot = this.#free.pop();
    if (slot === undefined) return false;
    this.#ids[slot] = id;
    this.#slots.set(id, slot);
    return true;
  }

  /** Forgets a job that has ended. */
  delete(id: bigint): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#ids[slot] = 0n;
    this.#free.push(slot);
  }
}

/** The ids in such a file; none when there is no file. */
export function readLiveJobs(path: string): Set<bigint> {
  const ids = new Set<bigint>();
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return ids;
  }
  for (let offset = 0; offset + bytesPerId <= bytes.byteLength; offset += bytesPerId) {
    const id = bytes.readBigUInt64LE(offset);
    if (id !== 0n) ids.add(id);
  }
  return ids;
}

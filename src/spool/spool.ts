import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import { isJobId } from "../core/ids.ts";
import type { JobId, JobSpec, StartingJob } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { JobFiles, OutputReader, OutputStream, Spool } from "../core/ports.ts";
import type { DataQuota } from "../core/quota.ts";
import { fixedBytes, JobDirectory } from "./jobDirectory.ts";
import { fileNames, jobsDirectory, storedBytes } from "./layout.ts";
import { SharedOrder } from "./outputOrder.ts";
import { encodeSpec } from "./records.ts";

interface SpoolParts {
  /** The data directory. */
  readonly data: string;
  readonly limits: Pick<Limits, "keptOutputBytes" | "timelineBytes" | "dataBytes">;
  readonly quota: DataQuota;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly onError: (error: unknown) => void;
}

/** The jobs' directories below the data directory. */
export class FileSpool implements Spool {
  readonly #parts: SpoolParts;
  readonly #jobs: string;
  /** Shared by all who follow a job. */
  readonly #orders = new Map<JobId, SharedOrder>();

  constructor(parts: SpoolParts) {
    this.#parts = parts;
    this.#jobs = jobsDirectory(parts.data);
    mkdirSync(this.#jobs, { recursive: true, mode: 0o700 });
  }

  async create(job: StartingJob, jobSpec: JobSpec): Promise<JobFiles> {
    const { limits, quota, wall, onError } = this.#parts;
    const spec = encodeSpec(job, jobSpec);
    const bytes = fixedBytes(spec);
    if (!quota.take(bytes)) {
      const used = `${quota.usedBytes} of ${limits.dataBytes} bytes (dataBytes) are in use`;
      throw new ErrandError("storage-full", `${used}, and no ended job is left to be removed`);
    }
    const keptBytes = Math.min(limits.keptOutputBytes, jobSpec.outputBytes ?? Number.POSITIVE_INFINITY);
    try {
      const path = join(this.#jobs, job.id);
      return await JobDirectory.create({ path, spec, keptBytes, limits, quota, wall, onError });
    } catch (error) {
      quota.give(bytes);
      throw asRefusal(error);
    }
  }

  size(id: JobId, stream: OutputStream): number | null {
    return statSync(this.#file(id, stream), { throwIfNoEntry: false })?.size ?? null;
  }

  async read(id: JobId, stream: OutputStream, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#file(id, stream), "r");
    try {
      const buffer = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await file.close();
    }
  }

  remove(id: JobId): void {
    const bytes = storedBytes(this.#jobs, this.#checked(id));
    if (bytes === 0) return;
    // Links in it are removed, not followed.
    rmSync(join(this.#jobs, id), { recursive: true, force: true });
    this.#parts.quota.give(bytes);
  }

  follow(id: JobId): OutputReader | null {
    const directory = join(this.#jobs, this.#checked(id));
    let order = this.#orders.get(id);
    if (order === undefined) {
      if (statSync(directory, { throwIfNoEntry: false }) === undefined) return null;
      order = new SharedOrder(directory, {
        onUnused: () => void this.#orders.delete(id),
      });
      this.#orders.set(id, order);
    }
    return order.open();
  }

  /** Ids of all jobs that have a directory. */
  ids(): JobId[] {
    return existsSync(this.#jobs) ? readdirSync(this.#jobs).filter(isJobId) : [];
  }

  #file(id: JobId, stream: OutputStream): string {
    return join(this.#jobs, this.#checked(id), fileNames[stream]);
  }

  /** Nothing but an id may name a place here. */
  #checked(id: JobId): JobId {
    if (isJobId(id)) return id;
    throw new Error(`${JSON.stringify(id)} is no id of a job`);
  }
}

function asRefusal(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new ErrandError("storage-full", `the disk of the data directory is full (${code})`);
  if (code === "EMFILE" || code === "ENFILE")
    return new ErrandError("too-many-jobs", `file descriptors have run out (${code})`, 1);
  return error;
}

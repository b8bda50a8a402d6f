import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import { isJobId } from "../core/ids.ts";
import type { JobId, JobSpec, StartingJob } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { JobFiles, OutputReader, OutputStream, PreparedFiles, Spool } from "../core/ports.ts";
import type { DataQuota } from "../core/quota.ts";
import type { Remains } from "../core/shimPorts.ts";
import { fixedBytes, JobDirectory, prepareDirectory, preparedBytes } from "./jobDirectory.ts";
import { fileNames, goneSuffix, jobsDirectory, storedBytes } from "./layout.ts";
import { SharedOrder } from "./outputOrder.ts";
import { ReadyDirectories } from "./readyDirectories.ts";
import { encodeSpec } from "./records.ts";
import { inspectJob } from "./recover.ts";
import { asRefusal } from "./refusal.ts";

interface SpoolParts {
  /** The data directory. */
  readonly data: string;
  readonly limits: Pick<Limits, "keptOutputBytes" | "timelineBytes" | "dataBytes" | "stderrTailBytes">;
  readonly quota: DataQuota;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly onError: (error: unknown) => void;
}

/** The jobs' directories below the data directory. */
export class FileSpool implements Spool {
  readonly #parts: SpoolParts;
  readonly #jobs: string;
  readonly #ready: ReadyDirectories;
  /** Shared by all who follow a job. */
  readonly #orders = new Map<JobId, SharedOrder>();
  /** What has been taken of the quota for jobs that shims run. */
  readonly #counted = new Map<JobId, number>();

  constructor(parts: SpoolParts) {
    this.#parts = parts;
    this.#jobs = jobsDirectory(parts.data);
    mkdirSync(this.#jobs, { recursive: true, mode: 0o700 });
    this.#ready = new ReadyDirectories(join(parts.data, "ready"));
    for (const name of readdirSync(this.#jobs))
      if (name.endsWith(goneSuffix)) rmSync(join(this.#jobs, name), { recursive: true, force: true });
  }

  create(job: StartingJob, jobSpec: JobSpec): Promise<JobFiles> {
    const { limits, quota, wall, onError } = this.#parts;
    const spec = encodeSpec(job, jobSpec);
    const keptBytes = this.#keptBytes(jobSpec);
    const path = join(this.#jobs, job.id);
    return this.#taking(fixedBytes(Buffer.byteLength(spec)), () =>
      JobDirectory.create({ path, ready: this.#ready, keptBytes, limits, quota, wall, onError }, spec),
    );
  }

  async prepare(job: StartingJob, jobSpec: JobSpec): Promise<PreparedFiles> {
    const spec = encodeSpec(job, jobSpec);
    const directory = join(this.#jobs, job.id);
    const bytes = preparedBytes(Buffer.byteLength(spec));
    await this.#taking(bytes, () => prepareDirectory(directory, spec, this.#ready));
    this.#counted.set(job.id, bytes);
    return {
      directory,
      keptBytes: this.#keptBytes(jobSpec),
      discard: () => {
        rmSync(directory, { recursive: true, force: true });
        this.#parts.quota.give(this.#counted.get(job.id) ?? 0);
        this.#counted.delete(job.id);
      },
    };
  }

  count(id: JobId, storedBytes: number): boolean {
    const { quota } = this.#parts;
    const more = storedBytes - (this.#counted.get(id) ?? 0);
    this.#counted.set(id, storedBytes);
    if (more <= 0) quota.give(-more);
    // What is written is there, whether there was room for it or not.
    else if (!quota.take(more)) {
      quota.adopt(more);
      return false;
    }
    return true;
  }

  countLast(id: JobId, storedBytes: number): void {
    this.count(id, storedBytes);
    this.#counted.delete(id);
  }

  inspect(id: JobId): Remains {
    const { data, limits } = this.#parts;
    return inspectJob(this.#checked(id), { data, stderrTailBytes: limits.stderrTailBytes });
  }

  #keptBytes({ outputBytes }: JobSpec): number {
    return Math.min(this.#parts.limits.keptOutputBytes, outputBytes ?? Number.POSITIVE_INFINITY);
  }

  /** Makes something for which so many bytes are needed. */
  async #taking<Made>(bytes: number, make: () => Promise<Made>): Promise<Made> {
    const { limits, quota } = this.#parts;
    if (!quota.take(bytes)) {
      const used = `${quota.usedBytes} of ${limits.dataBytes} bytes (dataBytes) are in use`;
      throw new ErrandError("storage-full", `${used}, and no ended job is left to be removed`);
    }
    try {
      return await make();
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
    this.#counted.delete(id);
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

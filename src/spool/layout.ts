import { statSync } from "node:fs";
import { join } from "node:path";
import type { JobId } from "../core/job.ts";

/** The on-disk contract: what stands in a job's directory, and how. A change of its meaning is a new version. */
export const spoolVersion = 1;

/** A file system gives space in blocks of this size. */
const blockBytes = 4096;

/** Names of the files in a job's directory. */
export const fileNames = {
  /** JSON: the job and what to run, without values of variables and without stdin. Synced before the execution. */
  spec: "spec.json",
  /** JSON, or blanks until the command has been executed. */
  started: "started.json",
  /** Raw bytes. */
  stdout: "stdout",
  stderr: "stderr",
  /** Records of fixed size: when how much of which stream came. */
  timeline: "timeline",
  /** One checksummed record of fixed size; blanks until the job has ended. */
  exit: "exit",
} as const;

export type FileName = keyof typeof fileNames;

/** JSON: which shim supervises a surviving job. Made by the shim before the execution; there is none without a shim. */
export const shimFileName = "shim.json";

/** Behind the name of a directory that is being removed. */
export const goneSuffix = ".gone";

/** Where a shim takes orders. Kept short: a socket's path has 107 characters for most programs. */
export const controlSocketName = "control.sock";

/** Where the directories of all jobs are. */
export function jobsDirectory(data: string): string {
  return join(data, "jobs");
}

/** What so many bytes of a file take on the disk. */
export function onDisk(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** What a directory itself takes. */
export const directoryBytes = blockBytes;

/** What the files in a job's directory take, with the directory itself; 0 when it is not there. */
export function storedBytes(jobs: string, id: JobId): number {
  const directory = join(jobs, id);
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return 0;
  let bytes = directoryBytes;
  for (const name of [...Object.values(fileNames), shimFileName]) {
    bytes += onDisk(statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
  }
  return bytes;
}

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, type ProcessIdentity } from "./identity.ts";
import { shimFileName, spoolVersion } from "./layout.ts";

/** What stands in `shim.json`. */
export type ShimRecord =
  /** The process that supervises the job, and the mark of the job's tree, as a decimal string. */
  | {
      readonly version: number;
      readonly state: "claimed";
      readonly mark: string;
      readonly shim: ProcessIdentity;
    }
  /** The shim could not execute the command, and why. */
  | { readonly version: number; readonly state: "failed"; readonly failure: string }
  /** A server has found that no shim had begun with it: none may. */
  | { readonly version: number; readonly state: "abandoned" };

/**
 * Makes the job in the directory this process's own; its tree will carry the mark. False when a server has given the job
 * up, or another shim has it: then nothing may be executed. Throws what else the system says.
 */
export function claimJob(directory: string, mark: bigint): boolean {
  const shim = identify(process.pid);
  return create(directory, { version: spoolVersion, state: "claimed", mark: mark.toString(), shim });
}

/** Makes sure that no shim begins with the job any more. False when one has. */
export function abandonJob(directory: string): boolean {
  return create(directory, { version: spoolVersion, state: "abandoned" });
}

/** Notes that the command could not be executed. */
export function noteFailure(directory: string, failure: string): void {
  const record: ShimRecord = { version: spoolVersion, state: "failed", failure };
  renameSync(write(directory, record), join(directory, shimFileName));
}

/** What is known of the job's shim; null when there is none, or the record is not whole or not of this version. */
export function readShimRecord(directory: string): ShimRecord | null {
  try {
    const value = JSON.parse(readFileSync(join(directory, shimFileName), "utf8")) as ShimRecord;
    return value.version === spoolVersion ? value : null;
  } catch {
    return null;
  }
}

/** Whole or not at all, and who comes second fails. */
function create(directory: string, record: ShimRecord): boolean {
  const written = write(directory, record);
  try {
    linkSync(written, join(directory, shimFileName));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(written, { force: true });
  }
}

/** Under a name that is this process's own. */
function write(directory: string, record: ShimRecord): string {
  const path = join(directory, `${shimFileName}.${process.pid}`);
  writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
  return path;
}

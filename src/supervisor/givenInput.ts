import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openMemoryFile } from "./libc.ts";

/**
 * An open file with these bytes, read from its start: nobody has to feed it, so that the command can go on with it
 * whatever becomes of this process.
 */
export function openGiven(bytes: Uint8Array): number {
  const file = openMemoryFile() ?? openNamelessFile();
  try {
    for (let offset = 0; offset < bytes.byteLength; ) {
      // At a given place, so that the reading position stays at the start.
      offset += writeSync(file, bytes, offset, bytes.byteLength - offset, offset);
    }
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A file whose name is removed at once. */
function openNamelessFile(): number {
  const folder = mkdtempSync(join(process.env.TMPDIR || "/tmp", "errand-stdin-"));
  try {
    return openSync(join(folder, "stdin"), "wx+", 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { atEnd, temporaryDirectory } from "../../support/cleanup.ts";
import { command } from "../../support/command.ts";

/** Why no file system can be mounted here; undefined when one can. */
export async function mountRefusal(): Promise<string | undefined> {
  if (process.platform !== "linux") return "it is no Linux";
  const path = temporaryDirectory("mount");
  const { code, stderr } = await command(mountCommand(path, 65_536));
  if (code !== 0) return stderr.trim();
  await unmount(path);
  return undefined;
}

/** A disk of so many bytes, until the end of the test file. */
export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const path = temporaryDirectory("disk");
  const { code, stderr } = await command(mountCommand(path, bytes));
  if (code !== 0) throw new Error(stderr);
  atEnd(() => unmount(path));
  return new SmallDisk(path);
}

function mountCommand(path: string, bytes: number): string[] {
  return ["mount", "-t", "tmpfs", "-o", `size=${bytes},mode=700`, "errand-test", path];
}

/** Lazily, so that nothing that still uses it keeps it in the table. */
async function unmount(path: string): Promise<void> {
  const { code, stderr } = await command(["umount", "--lazy", path]);
  if (code !== 0) throw new Error(stderr);
}

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** A data directory on it, which is not there yet. */
  get data(): string {
    return join(this.path, "data");
  }

  /** Takes so many bytes, or all that is left. */
  fill(bytes = Number.POSITIVE_INFINITY): void {
    const block = Buffer.alloc(4_096);
    const file = openSync(this.#ballast, "a");
    try {
      for (let left = bytes; left > 0; left -= block.length) writeSync(file, block);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what was taken. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }
}

import { mkdirSync, renameSync, rmSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { firstContents } from "./firstContents.ts";
import { type FileName, fileNames } from "./layout.ts";

/** So many lie ready: a client that starts one job after the other finds one each time. */
const mostReady = 4;
/** They are made when so long no job has been started: a burst has better use for the time. */
const quietMilliseconds = 3;

/**
 * Directories with the files that every job has, made ahead. Making seven names takes longer than the rest of a start,
 * and many times as long on a file system on which much has been removed just before.
 */
export class ReadyDirectories {
  readonly #place: string;
  readonly #ready: string[] = [];
  #made = 0;
  #takenAt = 0;
  #filling = false;

  /** `place` is on the same file system as the jobs. What an earlier server has left there is removed. */
  constructor(place: string) {
    this.#place = place;
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { mode: 0o700 });
  }

  /** Makes a ready one the directory of that path; false when there is none. */
  take(path: string): boolean {
    this.#takenAt = performance.now();
    const name = this.#ready.pop();
    // What cannot be made now is tried again with the next job.
    if (!this.#filling) this.#fill().catch(() => {});
    if (name === undefined) return false;
    try {
      renameSync(name, path);
      return true;
    } catch {
      return false;
    }
  }

  async #fill(): Promise<void> {
    this.#filling = true;
    try {
      while (this.#ready.length < mostReady) {
        const quiet = performance.now() - this.#takenAt;
        if (quiet < quietMilliseconds) await Bun.sleep(Math.ceil(quietMilliseconds - quiet));
        else this.#ready.push(await this.#make());
      }
    } finally {
      this.#filling = false;
    }
  }

  /** Not on the main thread. */
  async #make(): Promise<string> {
    this.#made += 1;
    const path = join(this.#place, String(this.#made));
    try {
      await mkdir(path, { mode: 0o700 });
      for (const name of Object.keys(fileNames) as FileName[]) {
        await writeFile(join(path, fileNames[name]), firstContents[name] ?? "", { flag: "wx", mode: 0o600 });
      }
      return path;
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }
}

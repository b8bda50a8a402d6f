import { fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { lockFile } from "./libc.ts";
import { readStat } from "./processTable.ts";

/** While the watchdog of a killed server cleans up, its lock is waited for. */
const longestWaitMilliseconds = 15_000;
const pauseMilliseconds = 10;

/** Somebody else has the data directory. */
export class DataDirectoryInUse extends Error {
  override readonly name = "DataDirectoryInUse";
}

/**
 * Makes this process the owner of the data directory and gives the open lock, which must be handed to the watchdog, so
 * that the next server starts only when the trees of this one are gone. Throws `DataDirectoryInUse`.
 */
export async function takeDataDirectory(path: string): Promise<number> {
  const descriptor = openSync(path, "a+", 0o600);
  const giveUpAt = performance.now() + longestWaitMilliseconds;
  while (!lockFile(descriptor)) {
    const owner = readFileSync(path, "latin1").trim();
    if (isAlive(owner))
      throw new DataDirectoryInUse(`the server with process number ${owner.split(" ")[0]} uses it`);
    if (performance.now() > giveUpAt)
      throw new DataDirectoryInUse("the processes of a killed server are still there");
    await Bun.sleep(pauseMilliseconds);
  }
  ftruncateSync(descriptor, 0);
  writeSync(descriptor, `${process.pid} ${startTime(process.pid)}\n`);
  fsyncSync(descriptor);
  return descriptor;
}

/** A number alone may have been given to somebody else; with the start time it is one process. */
function isAlive(owner: string): boolean {
  const [pid, started] = owner.split(" ");
  return pid !== undefined && started !== undefined && startTime(Number(pid)) === started;
}

function startTime(pid: number): string {
  const stat = readStat(pid);
  // A zombie holds no lock.
  return stat === null || stat.zombie ? "gone" : stat.startTime;
}

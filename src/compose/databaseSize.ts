import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What lies in the data directory beside the jobs' directories, in bytes: the database above all. */
export function sizeBeside(data: string): number {
  let bytes = 0;
  for (const name of readdirSync(data)) {
    const stat = statSync(join(data, name), { throwIfNoEntry: false });
    if (stat?.isFile()) bytes += stat.size;
  }
  return bytes;
}

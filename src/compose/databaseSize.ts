import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DataQuota } from "../core/quota.ts";

const lookMilliseconds = 5_000;

/** Counts what lies in the data directory beside the jobs' directories against the quota, now and again. */
export function watchDatabaseSize(data: string, quota: DataQuota): Timer {
  const look = () => quota.setOther(sizeBeside(data));
  look();
  const timer = setInterval(look, lookMilliseconds);
  timer.unref();
  return timer;
}

function sizeBeside(data: string): number {
  let bytes = 0;
  for (const name of readdirSync(data)) {
    const stat = statSync(join(data, name), { throwIfNoEntry: false });
    if (stat?.isFile()) bytes += Math.min(stat.size, stat.blocks * 512);
  }
  return bytes;
}

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readShimRecord } from "../../src/spool/shimRecord.ts";
import { killTrees } from "../../src/supervisor/killTrees.ts";
import { allProcesses } from "../../src/supervisor/processTable.ts";
import { readProcess, signal } from "./proc.ts";
import { until } from "./wait.ts";

/** True for a process that supervises a surviving job, or is to. */
export function isShim(pid: number): boolean {
  return readProcess(pid, "cmdline")?.endsWith("/shims.sock\0") ?? false;
}

/** The shims of all servers that this data directory has had. */
export function shimsOf(dataDir: string): number[] {
  const socket = `${join(dataDir, "shims.sock")}\0`;
  return allProcesses().filter((pid) => readProcess(pid, "cmdline")?.endsWith(socket));
}

/** Ends the jobs that have survived their server, with the shims that supervise them. */
export async function endSurvivors(dataDir: string): Promise<void> {
  await until(
    () => {
      const shims = shimsOf(dataDir);
      for (const pid of shims) signal(pid, "SIGKILL");
      return shims.length === 0;
    },
    { describe: "the shims to be gone" },
  );
  const jobs = join(dataDir, "jobs");
  const records = existsSync(jobs) ? readdirSync(jobs).map((id) => readShimRecord(join(jobs, id))) : [];
  const marks = records.flatMap((record) => (record?.state === "claimed" ? [BigInt(record.mark)] : []));
  await killTrees(new Set(marks));
}

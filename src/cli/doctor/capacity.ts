import { freemem, totalmem } from "node:os";
import type { Limits } from "../../core/limits.ts";
import { bytes } from "../text.ts";
import { ownGroups } from "./groups.ts";
import { readText } from "./host.ts";
import type { Mount } from "./mounts.ts";
import type { Finding, HostProbes } from "./probes.ts";

/** What one running job was seen to take at most: its connection, pipes that are held twice, its process, its files. */
const descriptorsPerJob = 14;
const leastMemoryBytes = 256 * 1024 * 1024;

/** How many jobs can run at once. */
export function capacityFindings(probes: HostProbes, limits: Limits, mounts: readonly Mount[]): Finding[] {
  return [openFiles(probes, limits), processes(probes, limits, mounts), memory(mounts)];
}

function openFiles(probes: HostProbes, { maxRunningJobs, descriptorReserve }: Limits): Finding {
  const limit = probes.limit("openFiles");
  if (limit === null)
    return { name: "open files", verdict: "note", found: "the limit cannot be asked for", means: null };
  const { hard } = limit;
  const jobs =
    hard === null ? maxRunningJobs : Math.floor(Math.max(0, hard - descriptorReserve) / descriptorsPerJob);
  const isEnough = jobs >= maxRunningJobs;
  return {
    name: "open files",
    verdict: isEnough ? "good" : "weak",
    found: `${hard ?? "no limit"} for the server (ulimit -Hn)`,
    means: isEnough
      ? null
      : `room for about ${jobs} jobs at once, and then starts are refused; maxRunningJobs is ${maxRunningJobs}. Raise it to ${maxRunningJobs * descriptorsPerJob + descriptorReserve} (LimitNOFILE= of systemd)`,
  };
}

function processes(
  probes: HostProbes,
  { maxRunningJobs, processReserve }: Limits,
  mounts: readonly Mount[],
): Finding {
  // The limit of a user does not bind root.
  const ofUser = process.getuid?.() === 0 ? null : (probes.limit("processes")?.soft ?? null);
  const candidates: [number | null, string][] = [
    [ofUser, "ulimit -u"],
    [ownGroups(mounts).mostProcesses, "pids.max of the control group"],
    [numberIn("/proc/sys/kernel/pid_max"), "kernel.pid_max"],
    [numberIn("/proc/sys/kernel/threads-max"), "kernel.threads-max"],
  ];
  const known = candidates.flatMap(([most, name]) => (most === null ? [] : [{ most, name }]));
  const least = known.sort((one, other) => one.most - other.most)[0];
  if (least === undefined) return { name: "processes", verdict: "good", found: "no limit", means: null };
  const jobs = Math.max(0, least.most - processReserve);
  const isEnough = jobs >= maxRunningJobs;
  return {
    name: "processes",
    verdict: isEnough ? "good" : "weak",
    found: `${least.most} (${least.name})`,
    means: isEnough
      ? null
      : `room for fewer than ${jobs} jobs at once, and then starts are refused; maxRunningJobs is ${maxRunningJobs}`,
  };
}

function memory(mounts: readonly Mount[]): Finding {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readText("/proc/meminfo") ?? "")?.[1];
  const free = available === undefined ? freemem() : Number(available) * 1_024;
  const bound = ownGroups(mounts).mostMemoryBytes;
  const usable = Math.min(free, bound ?? free);
  const isEnough = usable >= leastMemoryBytes;
  return {
    name: "memory",
    verdict: isEnough ? "good" : "weak",
    found: `${bytes(free)} of ${bytes(totalmem())} available${bound === null ? "" : `, ${bytes(bound)} for the control group`}`,
    means: isEnough ? null : "commands may be killed by the system when memory runs out",
  };
}

function numberIn(path: string): number | null {
  const text = readText(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

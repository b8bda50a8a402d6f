import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { readText } from "./host.ts";
import type { Mount } from "./mounts.ts";
import type { Finding } from "./probes.ts";

/** What the control groups of this process allow; null is no limit, or none that is known. */
export interface OwnGroups {
  /** The folder of the group of version 2. */
  readonly folder: string | null;
  readonly controllers: readonly string[];
  readonly isWritable: boolean;
  readonly mostProcesses: number | null;
  readonly mostMemoryBytes: number | null;
}

/** More than any machine has: the kernel's way of saying "no limit" in version 1. */
const noLimitBytes = 2 ** 60;

/** Looks at the groups of this process, of version 2 and of version 1. */
export function ownGroups(mounts: readonly Mount[]): OwnGroups {
  const lines = (readText("/proc/self/cgroup") ?? "").trim().split("\n");
  const paths = new Map(lines.map((line) => [line.split(":")[1] ?? "", line.split(":").slice(2).join(":")]));
  const folderOf = (controller: string): string | null => {
    const mount = mounts.find(({ type, options }) =>
      controller === "" ? type === "cgroup2" : type === "cgroup" && options.includes(controller),
    );
    const path = [...paths].find(([names]) => names.split(",").includes(controller))?.[1];
    return mount === undefined || path === undefined ? null : join(mount.point, path);
  };
  const folder = folderOf("");
  const two = (name: string) => (folder === null ? null : numberIn(join(folder, name)));
  const one = (controller: string, name: string) => {
    const place = folderOf(controller);
    return place === null ? null : numberIn(join(place, name));
  };
  const memory = two("memory.max") ?? one("memory", "memory.limit_in_bytes");
  return {
    folder,
    controllers:
      folder === null
        ? []
        : (readText(join(folder, "cgroup.controllers")) ?? "").trim().split(/\s+/).filter(Boolean),
    isWritable: folder !== null && canWrite(join(folder, "cgroup.procs")),
    mostProcesses: two("pids.max") ?? one("pids", "pids.max"),
    mostMemoryBytes: memory === null || memory >= noLimitBytes ? null : memory,
  };
}

function numberIn(path: string): number | null {
  const text = readText(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const needed = ["memory", "pids"];

/** Control groups, which only limits on memory will need. */
export function groupFinding(mounts: readonly Mount[]): Finding {
  const { folder, controllers, isWritable } = ownGroups(mounts);
  const missing = needed.filter((name) => !controllers.includes(name));
  const isUsable = folder !== null && isWritable && missing.length === 0;
  const found =
    folder === null
      ? "version 2 is not mounted"
      : `${folder}, ${isWritable ? "writable" : "not writable"}, ${controllers.join(" ") || "no controllers"}`;
  return {
    name: "control groups",
    verdict: isUsable ? "good" : "note",
    found,
    means: isUsable
      ? null
      : "limits on the memory of a job will need a group of version 2 with memory and pids that the server may write to; this build has no such limits, and trees are found without groups",
  };
}

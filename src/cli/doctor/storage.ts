import { accessSync, constants, lstatSync, realpathSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Limits } from "../../core/limits.ts";
import { bytes } from "../text.ts";
import { type Mount, mountOf } from "./mounts.ts";
import type { Finding, HostProbes, Verdict } from "./probes.ts";

const inMemory: readonly string[] = ["tmpfs", "ramfs", "devtmpfs"];
const overNetwork = /^(?:nfs|cifs|smb|9p|ceph|gluster|afs|lustre|fuse\.(?!ext|ntfs))/;
const leastFreeBytes = 64 * 1024 * 1024;
const leastFreeFiles = 1_000;

/** Where the data directory is, and what it can hold. */
export function storageFindings(
  data: string,
  limits: Limits,
  { probes, mounts }: { readonly probes: HostProbes; readonly mounts: readonly Mount[] },
): Finding[] {
  const place = nearestExisting(data);
  return [directory(data, place, probes), fileSystem(place, mounts), freeSpace(place, limits)];
}

/** The directory itself, or the first above it that is there: where it would be made. */
function nearestExisting(path: string): string {
  let place = path;
  while (!isThere(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // What is above it is no directory.
    return false;
  }
}

function directory(data: string, place: string, probes: HostProbes): Finding {
  const fault = faultOf(data, place, probes);
  return {
    name: "data directory",
    verdict: fault === null ? "good" : "bad",
    found: place === data ? data : `${data}, to be made in ${place}`,
    means: fault === null ? null : `the server does not start: ${fault}`,
  };
}

function faultOf(data: string, place: string, probes: HostProbes): string | null {
  const isMade = place === data;
  const stat = lstatSync(place);
  if (!stat.isDirectory() && (isMade || !isDirectoryBehind(place)))
    return `${place} must be a directory${isMade ? ", not a link or a file" : ""}`;
  const { uid, mode } = stat;
  const user = process.getuid?.();
  if (isMade && user !== undefined && uid !== user) return `${place} belongs to another user`;
  if (isMade && (mode & 0o022) !== 0) return `others can write to ${place}: chmod go-w it`;
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch {
    return `${place} cannot be written to`;
  }
  return probes.unsafePlace(place);
}

function isDirectoryBehind(link: string): boolean {
  try {
    return lstatSync(realpathSync(link)).isDirectory();
  } catch {
    return false;
  }
}

function fileSystem(place: string, mounts: readonly Mount[]): Finding {
  const mount = mountOf(realpathSync(place), mounts);
  if (mount === null) return { name: "file system", verdict: "note", found: "not known", means: null };
  const [verdict, means] = judge(mount);
  return { name: "file system", verdict, found: `${mount.type} at ${mount.point}`, means };
}

/** What a file system means for what is kept on it. */
export function judge({ type, options }: Pick<Mount, "type" | "options">): [Verdict, string | null] {
  if (options.includes("ro")) return ["bad", "nothing can be written there: the server does not start"];
  if (overNetwork.test(type))
    return [
      "weak",
      "locks and shared memory are not sure over a network: two servers could take the directory at once. Use a local disk",
    ];
  if (inMemory.includes(type))
    return ["weak", "it is memory: all results are gone after a restart of the machine"];
  if (type === "overlay")
    return [
      "note",
      "a container's own layer: all results go with the container unless a volume is mounted there",
    ];
  return ["good", null];
}

function freeSpace(place: string, { dataBytes }: Limits): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(place);
  const free = bavail * bsize;
  const fewFiles = files > 0 && ffree < leastFreeFiles;
  const verdict = free < leastFreeBytes || fewFiles ? "bad" : free < dataBytes ? "weak" : "good";
  const means: Readonly<Record<string, string>> = {
    bad: "output is cut and starts are refused when the disk is full: make room",
    weak: `less than dataBytes (${bytes(dataBytes)}): the disk is full before old results are removed. Lower dataBytes, or make room`,
  };
  return {
    name: "free space",
    verdict,
    found: `${bytes(free)}${fewFiles ? `, ${ffree} files` : ""}`,
    means: means[verdict] ?? null,
  };
}

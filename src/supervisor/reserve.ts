import { readdirSync, readFileSync, statSync } from "node:fs";
import { ErrandError } from "../core/errors.ts";
import { getLimit, openFilesLimit, resource, unlimited } from "./libc.ts";

/** A count of processes is taken anew after this time. */
const countAgeMilliseconds = 500;
const retryAfterSeconds = 1;

/** Refuses starts before the system would, since at its limits not even a refusal can be answered. */
export class Reserve {
  readonly #descriptorLimit: number;
  readonly #descriptorReserve: number;
  readonly #processReserve: number;
  readonly #countsProcesses: boolean;
  #processesLeft = Number.POSITIVE_INFINITY;
  #countedAt = Number.NEGATIVE_INFINITY;

  /** Numbers of descriptors and processes that starts leave free. */
  constructor({ descriptorReserve, processReserve }: { descriptorReserve: number; processReserve: number }) {
    this.#descriptorLimit = openFilesLimit();
    this.#descriptorReserve = descriptorReserve;
    this.#processReserve = processReserve;
    this.#countsProcesses = userLimit() !== null || pidsFolder() !== null;
  }

  /** Throws `too-many-jobs` when the highest descriptor in use comes too near to the limit. */
  checkDescriptors(highest: number): void {
    if (highest < this.#descriptorLimit - this.#descriptorReserve) return;
    const allowed = `the limit of ${this.#descriptorLimit} open files is nearly reached`;
    throw new ErrandError("too-many-jobs", allowed, retryAfterSeconds);
  }

  /** Throws `too-many-jobs` when few more processes may be started. */
  checkProcesses(): void {
    if (!this.#countsProcesses) return;
    const now = performance.now();
    this.#processesLeft -= 1;
    if (now - this.#countedAt > countAgeMilliseconds || this.#processesLeft < 4 * this.#processReserve) {
      this.#processesLeft = processesLeft();
      this.#countedAt = now;
    }
    if (this.#processesLeft > this.#processReserve) return;
    throw new ErrandError("too-many-jobs", "the limit of processes is nearly reached", retryAfterSeconds);
  }
}

/** The limit on processes of this user; null when there is none or it does not bind (root). */
function userLimit(): number | null {
  if (process.platform !== "linux" || process.getuid?.() === 0) return null;
  const limit = getLimit(0, resource.processes);
  return limit === null || limit.soft === unlimited ? null : Number(limit.soft);
}

/** The folder of this process's cgroup that counts processes and bounds them; null when none does. */
function pidsFolder(): string | null {
  try {
    for (const line of readFileSync("/proc/self/cgroup", "utf8").trim().split("\n")) {
      const [number, controllers, path] = line.split(":", 3);
      const root = number === "0" ? "/sys/fs/cgroup" : controllers === "pids" ? "/sys/fs/cgroup/pids" : null;
      if (root === null) continue;
      const folder = `${root}${path}`;
      if (readFileSync(`${folder}/pids.max`, "utf8").trim() !== "max") return folder;
    }
  } catch {
    // No such controller: nothing is bounded here.
  }
  return null;
}

function processesLeft(): number {
  const limit = userLimit();
  const ofUser = limit === null ? Number.POSITIVE_INFINITY : limit - countTasksOfUser();
  const folder = pidsFolder();
  if (folder === null) return ofUser;
  const read = (name: string) => Number(readFileSync(`${folder}/${name}`, "utf8"));
  return Math.min(ofUser, read("pids.max") - read("pids.current"));
}

/** The limit of a user counts threads. */
function countTasksOfUser(): number {
  const user = process.getuid?.();
  let tasks = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (statSync(`/proc/${name}`).uid === user) tasks += statSync(`/proc/${name}/task`).nlink - 2;
    } catch {
      // It ended in between.
    }
  }
  return tasks;
}

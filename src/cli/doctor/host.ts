import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { serverUser } from "../../config/user.ts";
import type { Mount } from "./mounts.ts";
import type { Finding, HostProbes } from "./probes.ts";

/** The text of a file; null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** What runs here, and as whom. */
export function systemFindings(): Finding[] {
  const { platform } = process;
  const found = `${platform === "linux" ? "Linux" : platform} ${release()} (${arch()}), Bun ${Bun.version}`;
  const isKnown = platform === "linux" && ["x64", "arm64"].includes(arch());
  const uid = process.getuid?.();
  return [
    {
      name: "system",
      verdict: isKnown ? "good" : platform === "darwin" ? "weak" : "bad",
      found,
      means: isKnown
        ? null
        : platform === "darwin"
          ? "trees are found by their process group alone: what calls setsid escapes a stop"
          : "Linux on x64 or arm64 is needed",
    },
    {
      name: "user",
      verdict: uid === 0 ? "note" : "good",
      found: serverUser().name,
      means:
        uid === 0 ? "whoever may start commands is root here: run the server as a user of its own" : null,
    },
  ];
}

/** What the supervisor needs of the kernel. */
export function kernelFindings(probes: HostProbes, mounts: readonly Mount[]): Finding[] {
  return [marks(probes), processTable(mounts), reaper(probes), memoryFiles(probes), shell()];
}

function marks(probes: HostProbes): Finding {
  const holds = probes.marksHold();
  return {
    name: "marks",
    verdict: holds ? "good" : "weak",
    found: holds
      ? "every process of a job can be marked"
      : "the limit on real-time CPU is bounded (ulimit -HR)",
    means: holds
      ? null
      : "trees are found by their process group alone: what calls setsid escapes a stop. Leave ulimit -HR unlimited",
  };
}

function processTable(mounts: readonly Mount[]): Finding {
  const proc = mounts.find(({ type, point }) => type === "proc" && point === "/proc");
  const hides =
    proc?.options.some((option) => /^hidepid=(?!0$|off$)/.test(option)) === true && process.getuid?.() !== 0;
  const seen = processes();
  const isRead = proc !== undefined && seen > 0;
  return {
    name: "process table",
    verdict: !isRead ? "bad" : hides ? "weak" : "good",
    found: isRead
      ? `/proc shows ${hides ? "own processes alone (hidepid)" : "all processes"}`
      : "/proc is not mounted",
    means: !isRead
      ? "processes that left their group cannot be found: mount proc at /proc"
      : hides
        ? "a process of a job that has changed its user (sudo) is not found"
        : null,
  };
}

function processes(): number {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
  } catch {
    return 0;
  }
}

function reaper(probes: HostProbes): Finding {
  const adopts = probes.becomeSubreaper();
  return {
    name: "sub-reaper",
    verdict: adopts ? "good" : "weak",
    found: adopts ? "orphans of jobs come to the server" : "orphans of jobs go to process 1",
    means: adopts ? null : "what jobs leave behind as zombies is process 1's to clear away",
  };
}

function memoryFiles(probes: HostProbes): Finding {
  const has = probes.hasMemoryFiles();
  return {
    name: "memory files",
    verdict: has ? "good" : "note",
    found: has ? "stdin that comes with a start is held in memory" : "there are none (memfd_create)",
    means: has ? null : "stdin that comes with a start is fed through a pipe, and ends with the server",
  };
}

function shell(): Finding {
  const path = "/bin/sh";
  try {
    accessSync(path, constants.X_OK);
    return { name: "shell", verdict: "good", found: path, means: null };
  } catch {
    const means = "jobs given as a line for the shell, and all of the sidecar door, cannot start";
    return { name: "shell", verdict: "weak", found: `there is no ${path}`, means };
  }
}

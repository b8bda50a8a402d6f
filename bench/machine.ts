import { cpus, release, totalmem, type } from "node:os";
import { packages } from "./peers.ts";
import { run, which } from "./processes.ts";

const calmShare = 0.1;

/** What a reader needs to judge the numbers: the machine and the programs. No names or paths. */
export async function describeMachine(): Promise<string[]> {
  const cores = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const versions = await Promise.all(Object.entries(packages).map(versionOf));
  return [
    `Date: ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `Machine: ${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), ${memory} GiB, ${type()} ${release()}`,
    `Bun ${Bun.version}; ${versions.join(", ")}`,
  ];
}

/** Waits for other programs to rest, and returns the share of the cores that they use at the end of it, 0 to 1. */
export async function untilCalm(patienceSeconds: number): Promise<number> {
  const end = performance.now() + patienceSeconds * 1_000;
  for (;;) {
    const share = await busyShare();
    if (share < calmShare || performance.now() > end) return share;
  }
}

/** The share of the cores' time that is used while this program does nothing. */
async function busyShare(): Promise<number> {
  const before = coreTimes();
  await Bun.sleep(1_000);
  const after = coreTimes();
  return (after.busy - before.busy) / (after.all - before.all);
}

function coreTimes(): { busy: number; all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busy: all - times.reduce((sum, { idle }) => sum + idle, 0), all };
}

async function versionOf([program, name]: [string, string]): Promise<string> {
  if (which(program) === undefined) return `no ${program}`;
  try {
    // The package's name may differ where a variant of it is installed, so the file is asked for.
    return `${program} ${await packageVersion(which(program) ?? program, name)}`;
  } catch {
    return `${program} (version unknown)`;
  }
}

async function packageVersion(file: string, name: string): Promise<string> {
  const owner = await run(["dpkg-query", "-S", file]).then(
    (text) => text.split(":")[0] ?? name,
    () => name,
  );
  return (await run(["dpkg-query", "-W", "-f", "$" + "{Version}", owner])).trim();
}

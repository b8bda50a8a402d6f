import { cpus, loadavg, release, totalmem, type } from "node:os";
import { packages } from "./peers.ts";
import { run, which } from "./processes.ts";

/** What a reader needs to judge the numbers: the machine, the programs, and how calm it was. No names or paths. */
export async function describeMachine(): Promise<string[]> {
  const cores = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const [load = 0] = loadavg();
  const versions = await Promise.all(Object.entries(packages).map(versionOf));
  return [
    `Date: ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `Machine: ${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), ${memory} GiB, ${type()} ${release()}`,
    `Load average of the last minute before the start: ${load.toFixed(2)}`,
    `Bun ${Bun.version}; ${versions.filter((text) => text !== "").join(", ")}`,
  ];
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

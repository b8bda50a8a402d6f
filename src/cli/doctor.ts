import { resolve } from "node:path";
import { Command } from "commander";
import { type Flags, loadSettings } from "../config/load.ts";
import { ConfigError } from "../config/settings.ts";
import { defaultLimits, type Limits } from "../core/limits.ts";
import { capacityFindings } from "./doctor/capacity.ts";
import { groupFinding } from "./doctor/groups.ts";
import { kernelFindings, readText, systemFindings } from "./doctor/host.ts";
import { readMounts } from "./doctor/mounts.ts";
import { type Finding, findingNames } from "./doctor/probes.ts";
import { judgePromises, type Kept } from "./doctor/promises.ts";
import { storageFindings } from "./doctor/storage.ts";
import { exitCodes } from "./exitCodes.ts";
import { localData } from "./localServer.ts";
import { printJson } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { fields } from "./table.ts";
import type { Program } from "./verbs.ts";

interface DoctorOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: true;
}

const about = `
Looks at this host as errand serve would find it, with the same settings, and says which of a server's promises it lets be
kept. Nothing is started, and no server needs to run.

Exit code: 0 when every promise is kept, if only partly; 1 when one is not.

Example:
  errand doctor --data /var/lib/errand --json | jq '.promises[] | select(.kept != "yes")'`;

/** The verb `doctor`. */
export function doctorCommand(surroundings: Surroundings, { endWith }: Program): Command {
  return new Command("doctor")
    .description("Says what this host offers to a server, and what that means for its promises.")
    .option("--data <directory>", "data directory that the server is to have")
    .option("--config <file>", "configuration file that the server is to have")
    .option("--json", "print one document of JSON")
    .allowExcessArguments(false)
    .addHelpText("after", about)
    .action(async ({ data, config, json }: DoctorOptions) => {
      const flags = { ...(data === undefined ? {} : { data }), ...(config === undefined ? {} : { config }) };
      const host = await examine(flags, surroundings);
      const promises = judgePromises(host);
      const isSound = promises.every(({ kept }) => kept !== "no");
      if (json === true) await printJson(surroundings, { ok: isSound, host, promises });
      else await surroundings.stdout.write(report(host, promises));
      if (!isSound) endWith(exitCodes.refused);
    });
}

async function examine(flags: Flags, surroundings: Surroundings): Promise<Finding[]> {
  const probes = await surroundings.hostProbes();
  const mounts = readMounts(readText("/proc/self/mountinfo") ?? "");
  const { finding, data, limits } = readSettings(flags, surroundings);
  const findings = [
    ...systemFindings(),
    ...kernelFindings(probes, mounts),
    groupFinding(mounts),
    ...capacityFindings(probes, limits, mounts),
    finding,
    ...storageFindings(data, limits, { probes, mounts }),
  ];
  return findings.sort((one, other) => findingNames.indexOf(one.name) - findingNames.indexOf(other.name));
}

interface Read {
  readonly finding: Finding;
  readonly data: string;
  readonly limits: Limits;
}

function readSettings(flags: Flags, { variables }: Surroundings): Read {
  try {
    const { configFile, data, limits } = loadSettings(flags, variables);
    const found = configFile ?? "no file";
    return { finding: { name: "settings", verdict: "good", found, means: null }, data, limits };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const means = "the server does not start";
    const finding: Finding = { name: "settings", verdict: "bad", found: error.message, means };
    return { finding, data: resolve(flags.data ?? localData(variables)), limits: defaultLimits() };
  }
}

const verdictWords = { good: "ok", note: "note", weak: "WEAK", bad: "BAD" } as const;
const keptWords = { yes: "kept", partly: "PARTLY", no: "NOT KEPT" } as const;

function report(host: readonly Finding[], promises: readonly Kept[]): string {
  const found = host.map(({ name, verdict, found, means }): [string, string] => [
    `  ${verdictWords[verdict].padEnd(4)}  ${name}`,
    means === null ? found : `${found}: ${means}`,
  ]);
  const kept = promises.map(({ promise, kept, because }): [string, string] => [
    `  ${keptWords[kept].padEnd(8)}`,
    because.length === 0
      ? promise
      : `${promise} (${because.map((reason) => reason.split(":", 1)[0]).join(", ")})`,
  ]);
  return `This host\n${fields(found)}\nWhat a server promises here\n${fields(kept)}`;
}

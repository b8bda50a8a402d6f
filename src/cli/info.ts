import { Command } from "commander";
import { type ConnectionOptions, connect, targetOf, withConnection } from "./connect.ts";
import { age, printJson } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { fields } from "./table.ts";

interface InfoOptions extends ConnectionOptions {
  readonly json?: true;
}

const about = `
Example:
  errand info --json | jq .limits.maxRunningJobs`;

/** The verb `info`. */
export function infoCommand(surroundings: Surroundings): Command {
  const command = new Command("info")
    .description("Says which server answers, its version, and its limits.")
    .option("--json", "print one document of JSON");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (options: InfoOptions) => {
      const info = await connect(options, surroundings).info();
      if (options.json === true) return await printJson(surroundings, info);
      const { version, releaseDate, node, startedAt, runningJobs, limits } = info;
      const rows: [string, string][] = [
        ["address", targetOf(options, surroundings).address.shown],
        ["version", releaseDate === null ? version : `${version} of ${releaseDate}`],
        ["node", node],
        ["up for", age(startedAt)],
        ["running jobs", String(runningJobs)],
        ...Object.entries(limits).map(([name, value]): [string, string] => [`  ${name}`, String(value)]),
      ];
      await surroundings.stdout.write(fields(rows));
    });
}

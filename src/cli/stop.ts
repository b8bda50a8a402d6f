import { Command } from "commander";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { eachJob } from "./eachJob.ts";
import { printJson, stateWords } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { visible } from "./text.ts";
import { seconds } from "./values.ts";

interface StopOptions extends ConnectionOptions {
  readonly grace?: number;
  readonly json?: true;
}

const about = `
Every process that came of the command gets TERM, and KILL when the grace time is over. The answer comes when none of them
is left. A job that has ended already is left as it is. One that was detached was let go and cannot be stopped.

Examples:
  errand stop "$id"
  errand stop --grace 0 $(errand ps --ids --label team=web)`;

/** The verb `stop`. */
export function stopCommand(surroundings: Surroundings): Command {
  const command = new Command("stop")
    .description("Stops jobs with everything they started, and says how they ended.")
    .argument("<id...>", "of the jobs")
    .option("--grace <time>", "from TERM to KILL, such as 5 or 30s (default: the server's)", seconds)
    .option("--json", "print each job as a line of JSON");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (ids: string[], options: StopOptions) => {
      const errand = connect(options, surroundings);
      await eachJob(ids, "stopping", surroundings, async (id) => {
        const job = await errand.job(id).stop({ graceSeconds: options.grace });
        if (options.json === true) await printJson(surroundings, job);
        else await surroundings.stdout.write(`${visible(`${job.id}  ${stateWords(job)}`)}\n`);
      });
    });
}

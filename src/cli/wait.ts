import { Command } from "commander";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import type { Surroundings } from "./surroundings.ts";
import { seconds } from "./values.ts";
import type { Program } from "./verbs.ts";
import { waitForEnd } from "./waitForEnd.ts";

interface WaitOptions extends ConnectionOptions {
  readonly timeout?: number;
  readonly json?: true;
}

const about = `
Exit code: the command's own; 128 + n when signal n ended it; 125 Errand's own failure, as when --timeout is over, or nobody
knows how the job ended. Going away, with Ctrl-C too, leaves the job alone.

Example:
  errand wait "$id" && echo it worked`;

/** The verb `wait`. */
export function waitCommand(surroundings: Surroundings, { endWith }: Program): Command {
  const command = new Command("wait")
    .description("Waits for a job's end, and ends with its exit code.")
    .argument("<id>", "of the job")
    .option("--timeout <time>", "wait no longer than this, such as 30 or 5m; the job runs on", seconds)
    .option("--json", "print the job");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (id: string, options: WaitOptions) => {
      const job = connect(options, surroundings).job(id);
      const wanted = { json: options.json === true, timeoutSeconds: options.timeout };
      endWith(await waitForEnd(job, wanted, surroundings));
    });
}

import { Command, Option } from "commander";
import { attachJob, noKeys } from "./attachJob.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { detachKeysOption } from "./detachKeys.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Program } from "./verbs.ts";

interface AttachVerbOptions extends ConnectionOptions {
  readonly readOnly?: true;
  readonly replay: "screen" | "all" | "none";
  readonly detachKeys?: readonly number[];
}

const about = `
What is typed here goes to the job, what it writes comes here. A job with a terminal (errand run -it) gets this terminal: its
size, its keys, Ctrl-C too. The keys that detach leave it running: Ctrl-P then Ctrl-Q, unless --detach-keys says others. A
job without one is shown as it writes, and reads what comes in here; Ctrl-C leaves it.

A connection that breaks is made again within 30 s: nothing that was typed is lost or comes twice.

Exit code: the command's own when it ends meanwhile, as for errand run; 0 after detaching; 128 + n when signal n ended this
program, which leaves the job running; 125 Errand's own failure.

Examples:
  errand attach "$id"
  errand attach --read-only --replay all "$id"
  errand attach --detach-keys ctrl-],q "$id"`;

/** The verb `attach`. */
export function attachCommand(surroundings: Surroundings, { endWith }: Program): Command {
  const command = new Command("attach")
    .description("Shows a running job on this terminal, and types into it.")
    .argument("<id>", "of the job")
    .option("--read-only", "look on; Ctrl-C leaves as well")
    .addOption(
      new Option(
        "--replay <what>",
        "what is shown first: its last screen, all that is kept of its output, or none",
      )
        .choices(["screen", "all", "none"])
        .default("screen"),
    )
    .addOption(detachKeysOption());
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (id: string, options: AttachVerbOptions) => {
      const { readOnly, replay, detachKeys } = options;
      if (detachKeys !== undefined && !surroundings.isTerminal(0)) throw noKeys("stdin is no terminal");
      const wish = { readOnly, replay, dropQueries: "replayed", detachKeys } as const;
      endWith(await attachJob(connect(options, surroundings).job(id), wish, surroundings));
    });
}

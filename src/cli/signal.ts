import { constants } from "node:os";
import { Command } from "commander";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { usageError } from "./exitCodes.ts";
import { printJson } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";

interface SignalOptions extends ConnectionOptions {
  readonly json?: true;
}

const about = `
Examples:
  errand signal "$id" HUP
  errand signal "$id" 10`;

/** The verb `signal`. */
export function signalCommand(surroundings: Surroundings): Command {
  const command = new Command("signal")
    .description("Sends a signal to a job: to the whole group of its processes.")
    .argument("<id>", "of the job")
    .argument("<signal>", "INT, SIGINT or 2")
    .option("--json", "print the job");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (id: string, typed: string, options: SignalOptions) => {
      const name = signalName(typed, surroundings);
      const job = await connect(options, surroundings).job(id).signal(name);
      if (options.json === true) await printJson(surroundings, job);
    });
}

/** `SIGINT` from `INT`, `sigint` or `2`. What only the server may know is left to it. */
export function signalName(typed: string, { nearest }: Pick<Surroundings, "nearest">): string {
  const names = Object.entries(constants.signals);
  if (/^\d+$/.test(typed)) {
    const found = names.find(([, number]) => number === Number(typed))?.[0];
    if (found !== undefined) return found;
    throw usageError(`${typed} is the number of no signal`, "kill -l lists them.");
  }
  const upper = typed.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  if (names.some(([known]) => known === name) || /^SIGRT(MIN|MAX)/.test(name)) return name;
  const meant = nearest(
    name,
    names.map(([known]) => known),
  );
  throw usageError(
    `there is no signal ${JSON.stringify(typed)}`,
    meant === undefined ? "kill -l lists them." : `Did you mean ${meant}?`,
  );
}

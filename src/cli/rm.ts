import { Command, InvalidArgumentError } from "commander";
import type { Errand } from "../sdk/errand.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { eachJob } from "./eachJob.ts";
import { usageError } from "./exitCodes.ts";
import type { Surroundings } from "./surroundings.ts";
import { seconds } from "./values.ts";

interface RmOptions extends ConnectionOptions {
  readonly endedBefore?: number;
  readonly dryRun?: true;
}

const about = `
Prints the ids that are gone. A job that still runs is refused.

Examples:
  errand rm "$id"
  errand rm --ended-before 7d
  errand rm --ended-before 2026-01-31T00:00:00Z --dry-run`;

/** The verb `rm`. */
export function rmCommand(surroundings: Surroundings): Command {
  const command = new Command("rm")
    .description("Forgets ended jobs: their records and their output.")
    .argument("[id...]", "of the jobs")
    .option(
      "--ended-before <when>",
      "all that ended before: an age as 7d, or a time as 2026-01-31T00:00:00Z",
      readTime,
    )
    .option("--dry-run", "print what would go, and forget nothing");
  return withConnection(command)
    .addHelpText("after", about)
    .action(async (ids: string[], options: RmOptions) => await rm(ids, options, surroundings));
}

/** Milliseconds since 1970. */
function readTime(text: string): number {
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2}))?$/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
  }
  try {
    return Date.now() - seconds(text) * 1_000;
  } catch {
    throw new InvalidArgumentError("An age such as 7d, or a time such as 2026-01-31T00:00:00Z, is needed.");
  }
}

async function rm(ids: readonly string[], options: RmOptions, surroundings: Surroundings): Promise<void> {
  const { endedBefore, dryRun } = options;
  if (ids.length === 0 && endedBefore === undefined) throw usageError("give ids of jobs, or --ended-before");
  const errand = connect(options, surroundings);
  const old = endedBefore === undefined ? [] : await endedJobs(errand, endedBefore);
  await eachJob([...new Set([...ids, ...old])], "forgetting", surroundings, async (id) => {
    if (dryRun !== true) await errand.job(id).delete();
    await surroundings.stdout.write(`${id}\n`);
  });
}

async function endedJobs(errand: Errand, before: number): Promise<string[]> {
  const found: string[] = [];
  for await (const job of errand.list({ state: ["ended", "failed", "detached", "lost"] })) {
    // Of what was let go or lost no end is known.
    if (Date.parse(job.endedAt ?? job.startedAt ?? job.createdAt) < before) found.push(job.id);
  }
  return found;
}

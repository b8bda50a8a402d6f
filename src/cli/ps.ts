import { Command, InvalidArgumentError } from "commander";
import type { JobRecord, JobState } from "../sdk/jobTypes.ts";
import type { ListQuery } from "../sdk/options.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { age, commandWords, printJson, stateWords } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { table } from "./table.ts";
import { visible } from "./text.ts";
import { seconds, wholeNumber } from "./values.ts";

interface PsOptions extends ConnectionOptions {
  readonly all?: true;
  readonly state?: readonly JobState[];
  readonly alias?: string;
  readonly label?: string;
  readonly limit?: number;
  readonly within?: number;
  readonly ids?: true;
  readonly json?: true;
}

const states: readonly JobState[] = ["queued", "starting", "running", "ended", "failed", "detached", "lost"];
const liveStates: readonly JobState[] = ["queued", "starting", "running"];
const mostJobs = 1_000_000_000;
/** What servers give in one page when nobody says. */
const usualPage = 50;

const titles = [
  { title: "ID" },
  { title: "STATE" },
  { title: "AGE" },
  { title: "ALIAS" },
  { title: "COMMAND" },
];

const examples = `
On a terminal lines are cut to its width; elsewhere they are whole. --json gives all that is known of each job.

Examples:
  errand ps                         what runs now
  errand ps -a -n 20                the last 20 jobs
  errand ps --state ended,lost --label team=web
  errand ps -a --json | jq '.jobs[] | select(.outcome.success | not)'`;

/** The verb `ps`. */
export function psCommand(surroundings: Surroundings): Command {
  const command = new Command("ps")
    .description("Lists jobs that run or wait, newest first.")
    .option("-a, --all", "those that have ended, too")
    .option("--state <states>", `only these, parted by commas: ${states.join(", ")}`, readStates)
    .option("--alias <alias>", "only of this alias")
    .option("--label <label>", "only with this label: KEY or KEY=VALUE")
    .option("-n, --limit <count>", "the newest so many", wholeNumber(1, mostJobs))
    .option("--within <time>", "give up when there is no answer by then", seconds)
    .option("--ids", "print the ids alone")
    .option("--json", "print one document of JSON");
  return withConnection(command)
    .addHelpText("after", examples)
    .action(async (options: PsOptions) => await ps(options, surroundings));
}

function readStates(text: string): JobState[] {
  return text.split(",").map((name) => {
    const state = states.find((one) => one === name.trim());
    if (state !== undefined) return state;
    throw new InvalidArgumentError(`${JSON.stringify(name)} is no state; allowed are ${states.join(", ")}.`);
  });
}

async function ps(options: PsOptions, surroundings: Surroundings): Promise<void> {
  const { stdout } = surroundings;
  const jobs = await list(options, surroundings);
  if (options.json === true) return await printJson(surroundings, { jobs });
  if (options.ids === true) return await stdout.write(jobs.map(({ id }) => `${visible(id)}\n`).join(""));
  const rows = jobs.map((job) => [
    job.id,
    stateWords(job),
    age(job.createdAt),
    job.alias ?? "-",
    commandWords(job),
  ]);
  await stdout.write(table(titles, rows, surroundings.columns()));
}

async function list(options: PsOptions, surroundings: Surroundings): Promise<JobRecord[]> {
  const { all, state, alias, label, within, limit = mostJobs } = options;
  const call = within === undefined ? {} : { signal: AbortSignal.timeout(within * 1_000) };
  const query: ListQuery = {
    ...(state === undefined && all ? {} : { state: state ?? liveStates }),
    alias,
    label,
    ...(limit < usualPage ? { pageSize: limit } : {}),
  };
  const jobs: JobRecord[] = [];
  for await (const job of connect(options, surroundings).list(query, call)) {
    jobs.push(job);
    if (jobs.length >= limit) break;
  }
  return jobs;
}

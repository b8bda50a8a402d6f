import { join } from "node:path";
import { readShimRecord } from "../../../src/spool/shimRecord.ts";
import { allProcesses, argumentsOf, isLiving } from "../../support/proc.ts";
import { type Server, startServer } from "../../support/server.ts";
import { until } from "../../support/wait.ts";
import { type BackgroundJob, background, type Spec } from "./background.ts";

/** Starts a job that goes on when its server ends. */
export function survivor(server: Server, spec: Spec): Promise<BackgroundJob> {
  return background(server, { survive: true, ...spec });
}

/** Kills the server alone and starts the next one on its data. */
export async function replace(server: Server, config?: string): Promise<Server> {
  await server.kill9();
  return startServer({ dataDir: server.dataDir, ...(config === undefined ? {} : { config }) });
}

/** Where the files of a job are. */
export function directoryOf({ dataDir }: Pick<Server, "dataDir">, id: string): string {
  return join(dataDir, "jobs", id);
}

/** The process that supervises a job. */
export function shimOf(server: Pick<Server, "dataDir">, id: string): number {
  const record = readShimRecord(directoryOf(server, id));
  if (record?.state !== "claimed") throw new Error(`the job ${id} has no shim: ${JSON.stringify(record)}`);
  return record.shim.pid;
}

/** Waits until these processes do not live any more. */
export async function untilDead(pids: readonly number[], timeoutMilliseconds = 10_000): Promise<void> {
  const left = () => pids.filter(isLiving);
  const describe = () => `the end of ${left().join(" ")}`;
  await until(() => left().length === 0, { timeoutMilliseconds, describe });
}

/** How many living processes carry each token, in one look at the process table. */
export function livingByToken(tokens: readonly string[]): Map<string, number> {
  const counts = new Map(tokens.map((token) => [token, 0]));
  for (const pid of allProcesses()) {
    for (const word of new Set(argumentsOf(pid))) {
      const before = counts.get(word);
      if (before !== undefined && isLiving(pid)) counts.set(word, before + 1);
    }
  }
  return counts;
}

/** Does something for each item, so many at a time. */
export async function atOnce<Item>(
  items: readonly Item[],
  most: number,
  action: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) await action(item, index);
  };
  await Promise.all(Array.from({ length: most }, worker));
}

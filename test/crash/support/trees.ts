import { specOf } from "../../support/jobs.ts";
import { allProcesses, argumentsOf, isLiving, startTimeOf } from "../../support/proc.ts";
import { newToken } from "../../support/processes.ts";
import { program, treeShapes } from "../../support/programs.ts";
import type { RawConnection } from "../../support/raw.ts";
import { rawProcess } from "../../support/raw-request.ts";
import type { Server } from "../../support/server.ts";
import { until } from "../../support/wait.ts";
import type { Spec } from "./background.ts";
import { atOnce, survivor } from "./surviving.ts";

const startsAtOnce = 4;

export type Shape = keyof typeof treeShapes;
export const shapes = Object.keys(treeShapes) as Shape[];

/** One running job with all its processes there. */
export interface Tree {
  shape: Shape;
  token: string;
  jobId: string;
  connection: RawConnection;
}

/** A process for ever: its number may be given to another one. */
interface Identity {
  pid: number;
  started: string;
}

/** Starts one tree of each shape named and waits until every process of them is there. */
export async function startTrees(server: Server, wanted: readonly Shape[]): Promise<Tree[]> {
  const trees = await Promise.all(
    wanted.map(async (shape) => {
      const token = newToken();
      const connection = await rawProcess(server, specOf([program(shape), token]));
      return { shape, token, jobId: connection.jobId, connection };
    }),
  );
  await untilComplete(trees);
  return trees;
}

/** The same as jobs that survive their server. */
export async function startSurvivingTrees(
  server: Server,
  wanted: readonly Shape[],
  spec: Spec = {},
): Promise<Omit<Tree, "connection">[]> {
  const trees: Omit<Tree, "connection">[] = [];
  await atOnce(wanted, startsAtOnce, async (shape) => {
    const token = newToken();
    const { id } = await survivor(server, { command: [program(shape), token], ...spec });
    trees.push({ shape, token, jobId: id });
  });
  await untilComplete(trees);
  return trees;
}

/** How many processes these trees have when all are there. */
export function sizeOf(trees: readonly { shape: Shape }[]): number {
  return trees.reduce((sum, { shape }) => sum + treeShapes[shape], 0);
}

async function untilComplete(trees: readonly Omit<Tree, "connection">[]): Promise<void> {
  const expected = sizeOf(trees);
  let living = 0;
  const complete = () => {
    living = livingOf(trees).length;
    return living === expected;
  };
  const names = trees.map(({ shape }) => shape).join(" ");
  const describe = () => `${expected} processes of ${names}, there are ${living}`;
  await until(complete, { timeoutMilliseconds: 20_000, describe });
}

/** The living processes of these trees, in one look at the process table. */
export function livingOf(trees: readonly { token: string }[]): number[] {
  const tokens = new Set(trees.map(({ token }) => token));
  return allProcesses().filter((pid) => argumentsOf(pid).some((word) => tokens.has(word)) && isLiving(pid));
}

/**
 * Does `action`, which is to end these trees, and gives the milliseconds until the last process was gone. The known
 * processes are watched, which is quick; when they are gone, those that were made meanwhile are looked for.
 */
export async function millisecondsToEnd(
  trees: readonly { token: string }[],
  action: () => void | Promise<void>,
  timeoutMilliseconds = 10_000,
): Promise<number> {
  let left = livingOf(trees).map(identify);
  const began = performance.now();
  const acted = action();
  let gone = began;
  const none = () => {
    left = left.filter(({ pid, started }) => isLiving(pid) && startTimeOf(pid) === started);
    if (left.length > 0) return false;
    gone = performance.now();
    left = livingOf(trees).map(identify);
    return left.length === 0;
  };
  await until(none, { timeoutMilliseconds, describe: () => `${left.length} processes to be gone` });
  await acted;
  return gone - began;
}

function identify(pid: number): Identity {
  return { pid, started: startTimeOf(pid) ?? "gone" };
}

/** The smallest of the numbers that `share` of them do not exceed. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

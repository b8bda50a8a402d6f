import { canMark, type Mark, readMark } from "./mark.ts";
import { readStat } from "./processTable.ts";
import type { MarkedProcess } from "./sweep.ts";

/** A job's processes, as far as they can be addressed. */
export interface Tree {
  readonly mark: Mark;
  readonly leader: number;
  /** It has a terminal: to be told to end, it is also told that the terminal hangs up. */
  readonly hasTerminal: boolean;
  /** True until the leader's exit has been taken. */
  leaderAlive(): boolean;
}

/** Signals the whole group at once, and each found process that has left it. */
export function signalTree(tree: Tree, found: readonly MarkedProcess[], signal: NodeJS.Signals): void {
  const { mark, leader } = tree;
  const leaderAlive = tree.leaderAlive();
  // Without marks the group is all there is; its number is nobody else's while it has a member.
  if (!canMark) send(-leader, signal);
  else if (leaderAlive && isLeader(leader, mark)) send(-leader, signal);
  for (const { pid, group } of found) {
    if (!leaderAlive || group !== leader) signalMarked(pid, mark, signal);
  }
}

/** Signals a process that carries the mark. It is asked again right before: its number may be somebody else's by now. */
export function signalMarked(pid: number, mark: Mark, signal: NodeJS.Signals): void {
  if (readMark(pid) === mark) send(pid, signal);
}

/** A leader that has reset its limit carries no mark, but it is still this process's child. */
function isLeader(pid: number, mark: Mark): boolean {
  const found = readMark(pid);
  return found === mark || (found === null && readStat(pid)?.parent === process.pid);
}

/** A process that is gone, or not ours to signal, is no error. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}

import { argumentsOf, childrenOf } from "../../support/proc.ts";

/** The process beside a server that ends its trees when it is killed. */
export function watchdogOf(serverPid: number): number {
  const [pid] = findWatchdogs(serverPid);
  if (pid === undefined) throw new Error(`the server ${serverPid} has no watchdog`);
  return pid;
}

/** All of them: one, or none while a dead one is being replaced. */
export function findWatchdogs(serverPid: number): number[] {
  return childrenOf(serverPid).filter((pid) => argumentsOf(pid).includes("watchdog"));
}

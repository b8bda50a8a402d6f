import { readFileSync } from "node:fs";
import { constants } from "node:os";

/**
 * Whether this process was started with the signal ignored, as by nohup, or as a shell starts what is to run beside a script.
 * To listen to it would end that.
 */
export function isIgnored(signal: NodeJS.Signals, status = ownStatus()): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return false;
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/** Not on Linux: nothing is known to be ignored. */
function ownStatus(): string {
  try {
    return readFileSync("/proc/self/status", "latin1");
  } catch {
    return "";
  }
}

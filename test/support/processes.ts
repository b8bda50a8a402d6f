import { atEnd, tellGuard } from "./cleanup.ts";
import { allProcesses, argumentsOf, environmentOf, isLiving, signal } from "./proc.ts";
import { until } from "./wait.ts";

let tokens = 0;

/**
 * A unique mark for one test's processes. It is a number that `sleep` takes as one more time to wait, so that
 * every program, `sleep` included, can carry it as an argument: it is found even with a cleared environment.
 */
export function newToken(): string {
  const random = Math.floor(Math.random() * 1e9);
  tokens += 1;
  const token = `0.00000000${process.pid}${String(tokens).padStart(4, "0")}${String(random).padStart(9, "0")}`;
  atEnd(() => killByToken(token));
  tellGuard(`token ${token}`);
  return token;
}

/** The living processes that have `token` as one whole argument. */
export function withToken(token: string): number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).includes(token) && isLiving(pid));
}

/** The living processes that started with `name=value` in their environment. */
export function withEnvironment(name: string, value: string): number[] {
  const entry = `${name}=${value}`;
  return allProcesses().filter((pid) => environmentOf(pid).includes(entry) && isLiving(pid));
}

/** Waits until as many processes as said carry the token, and gives them. */
export async function untilLiving(
  token: string,
  count: number,
  timeoutMilliseconds = 10_000,
): Promise<number[]> {
  let found: number[] = [];
  const settled = () => {
    found = withToken(token);
    return found.length === count;
  };
  const describe = () => `${count} processes with the token, there are ${found.length}`;
  await until(settled, { timeoutMilliseconds, describe });
  return found;
}

/** Waits until no process carries the token any more. */
export async function untilGone(token: string, timeoutMilliseconds = 10_000): Promise<void> {
  await untilLiving(token, 0, timeoutMilliseconds);
}

/** Kills by pid what still carries the token; forks that happen meanwhile are found by looking again. */
export async function killByToken(token: string): Promise<void> {
  const none = () => {
    const left = withToken(token);
    for (const pid of left) signal(pid, "SIGKILL");
    return left.length === 0;
  };
  await until(none, { describe: "the leftovers of a test to be gone" });
}

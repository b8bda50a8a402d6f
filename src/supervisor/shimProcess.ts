import { smallRuntime } from "./smallRuntime.ts";

/** A process that was started to be a shim. */
export interface ShimProcess {
  readonly pid: number;
  /** It has ended, however. */
  readonly ended: Promise<unknown>;
  /** For one that does not answer. */
  end(): void;
}

/** Starts a shim in a session of its own, so that what kills the server's group or terminal does not take it along. */
export function startShimProcess(command: readonly string[]): ShimProcess {
  const child = Bun.spawn({
    cmd: [...command],
    cwd: "/",
    env: smallRuntime,
    detached: true,
    stdio: ["ignore", "ignore", "ignore"],
  });
  child.unref();
  return { pid: child.pid, ended: child.exited, end: () => child.kill("SIGKILL") };
}

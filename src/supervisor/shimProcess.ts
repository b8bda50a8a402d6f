/** A process that was started to be a shim. */
export interface ShimProcess {
  readonly pid: number;
  /** It has ended, however. */
  readonly ended: Promise<unknown>;
  /** For one that does not answer. */
  end(): void;
}

/** A shim hardly computes anything: without its second compiler it is smaller. Without the first there is no FFI. */
const environment = { BUN_JSC_useDFGJIT: "0" };

/** Starts a shim in a session of its own, so that what kills the server's group or terminal does not take it along. */
export function startShimProcess(command: readonly string[]): ShimProcess {
  const child = Bun.spawn({
    cmd: [...command],
    cwd: "/",
    env: environment,
    detached: true,
    stdio: ["ignore", "ignore", "ignore"],
  });
  child.unref();
  return { pid: child.pid, ended: child.exited, end: () => child.kill("SIGKILL") };
}

/** A process that was started to be a shim. */
export interface ShimProcess {
  readonly pid: number;
  /** It has ended, however. */
  readonly ended: Promise<unknown>;
  /** For one that does not answer. */
  end(): void;
}

/**
 * A shim hardly computes anything. Without the compilers beyond what FFI needs, with one thread that collects, a heap that
 * is kept small, and memory given back at once, it takes 3.9 MiB of its own with a job instead of 4.7. These names go with
 * the version of the runtime.
 */
const environment = {
  BUN_JSC_useBaselineJIT: "0",
  BUN_JSC_useLLIntICs: "0",
  BUN_JSC_forceMiniVMMode: "1",
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  MIMALLOC_PURGE_DELAY: "0",
};

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

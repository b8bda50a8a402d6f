/**
 * Variables for processes that hardly compute anything. Without the compilers beyond what FFI needs, with one thread that
 * collects, a heap that is kept small, and memory given back at once, a shim takes 0.8 MiB less of its own. These names go
 * with the version of the runtime.
 */
export const smallRuntime = {
  BUN_JSC_useBaselineJIT: "0",
  BUN_JSC_useLLIntICs: "0",
  BUN_JSC_forceMiniVMMode: "1",
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  MIMALLOC_PURGE_DELAY: "0",
};

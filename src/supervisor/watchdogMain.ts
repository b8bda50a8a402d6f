import { readSync } from "node:fs";
import { killTrees } from "./killTrees.ts";
import { readLiveJobs } from "./liveJobs.ts";

/**
 * The watchdog process: waits until the server is gone, then kills what the server's live jobs have left. Its stdin is
 * a pipe that only the server holds; end of file means the server's end, however it ended.
 */
export async function watch(liveFile: string): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
  waitForEndOfFile();
  await killTrees(new Set(readLiveJobs(liveFile).map(({ mark }) => mark)));
}

function waitForEndOfFile(): void {
  const byte = new Uint8Array(1);
  for (;;) {
    try {
      if (readSync(0, byte) === 0) return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EINTR")) return;
    }
  }
}

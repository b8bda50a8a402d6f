import { readSync } from "node:fs";
import { readLiveJobs } from "./liveJobs.ts";
import { signalMarked } from "./signal.ts";
import { findMarked } from "./sweep.ts";

/** Between two looks while trees are dying. */
const pauseMilliseconds = 5;
/** A tree that forks faster than it is killed, or cannot be killed, is given up after this many looks. */
const mostLooks = 2_000;
/** As many looks in a row must find nothing. */
const quietLooks = 3;

/**
 * The watchdog process: waits until the server is gone, then kills what the server's live jobs have left. Its stdin is
 * a pipe that only the server holds; end of file means the server's end, however it ended.
 */
export async function watch(liveFile: string): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
  waitForEndOfFile();
  const marks = new Set(readLiveJobs(liveFile).map(({ mark }) => mark));
  if (marks.size === 0) return;
  let quiet = 0;
  for (let looks = 0; looks < mostLooks && quiet < quietLooks; looks += 1) {
    const found = findMarked(marks);
    for (const [mark, processes] of found) {
      for (const { pid } of processes) signalMarked(pid, mark, "SIGKILL");
    }
    quiet = found.size === 0 ? quiet + 1 : 0;
    await Bun.sleep(pauseMilliseconds);
  }
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

import type { Mark } from "./mark.ts";
import { signalMarked } from "./signal.ts";
import { findMarked } from "./sweep.ts";

/** Between two looks while trees are dying. */
const pauseMilliseconds = 5;
/** A tree that forks faster than it is killed, or cannot be killed, is given up after this many looks. */
const mostLooks = 2_000;
/** As many looks in a row must find nothing. */
const quietLooks = 3;

/** Kills all that carries one of the marks. False when something could not be killed. */
export async function killTrees(marks: ReadonlySet<Mark>): Promise<boolean> {
  if (marks.size === 0) return true;
  let quiet = 0;
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const found = findMarked(marks);
    for (const [mark, processes] of found) {
      for (const { pid } of processes) signalMarked(pid, mark, "SIGKILL");
    }
    quiet = found.size === 0 ? quiet + 1 : 0;
    if (quiet === quietLooks) return true;
    await Bun.sleep(pauseMilliseconds);
  }
  return false;
}

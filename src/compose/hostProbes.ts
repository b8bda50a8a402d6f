import { closeSync } from "node:fs";
import type { HostProbes, LimitPair } from "../cli/doctor/probes.ts";
import { checkDirectories } from "../store/safePlace.ts";
import { becomeSubreaper, getLimit, openMemoryFile, resource, unlimited } from "../supervisor/libc.ts";
import { canMark, clearMark, MarkSource, readMark, setMark } from "../supervisor/mark.ts";

/** What `errand doctor` asks the parts of the server. */
export const hostProbes: HostProbes = {
  marksHold() {
    if (!canMark) return false;
    const mark = new MarkSource().next();
    setMark(mark);
    const read = readMark(process.pid);
    clearMark();
    return read === mark;
  },
  becomeSubreaper,
  hasMemoryFiles() {
    const descriptor = openMemoryFile();
    if (descriptor === null) return false;
    closeSync(descriptor);
    return true;
  },
  limit(which) {
    const limit = getLimit(0, resource[which]);
    return limit === null ? null : pairOf(limit);
  },
  unsafePlace(directory) {
    try {
      checkDirectories(directory);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  },
};

function pairOf({ soft, hard }: { readonly soft: bigint; readonly hard: bigint }): LimitPair {
  const number = (limit: bigint) => (limit === unlimited ? null : Number(limit));
  return { soft: number(soft), hard: number(hard) };
}

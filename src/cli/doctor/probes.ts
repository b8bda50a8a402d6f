/** `note` is told and changes nothing; with `weak` a promise is kept in part, with `bad` it is not. */
export type Verdict = "good" | "note" | "weak" | "bad";

/** One thing that was looked at. */
export interface Finding {
  readonly name: FindingName;
  readonly verdict: Verdict;
  /** What is there. */
  readonly found: string;
  /** What follows from it, and what to do; null when nothing does. */
  readonly means: string | null;
}

/** What is looked at, in the order in which it is told. */
export const findingNames = [
  "system",
  "user",
  "marks",
  "process table",
  "sub-reaper",
  "memory files",
  "shell",
  "control groups",
  "open files",
  "processes",
  "memory",
  "settings",
  "data directory",
  "file system",
  "free space",
] as const;

export type FindingName = (typeof findingNames)[number];

/** A soft and a hard limit; null is none. */
export interface LimitPair {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** What only the parts of the server can try. None of it starts anything or leaves anything behind. */
export interface HostProbes {
  /** Whether the kernel takes a job's mark and tells it again. */
  marksHold(): boolean;
  becomeSubreaper(): boolean;
  hasMemoryFiles(): boolean;
  /** Null where it cannot be asked for. */
  limit(which: "openFiles" | "processes"): LimitPair | null;
  /** Why others could replace what lies in that directory; null when they cannot. */
  unsafePlace(directory: string): string | null;
}

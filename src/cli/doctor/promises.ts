import type { Finding, FindingName } from "./probes.ts";

/** A promise of the server, and how far this host lets it be kept. */
export interface Kept {
  readonly promise: string;
  readonly kept: "yes" | "partly" | "no";
  /** What stands in the way. */
  readonly because: readonly string[];
}

/** Each promise with what it rests on. */
const promises: readonly (readonly [promise: string, needs: readonly FindingName[]])[] = [
  ["a server starts", ["system", "settings", "data directory"]],
  ["a stop ends the whole tree", ["system", "marks", "process table"]],
  ["trees die with a server that is killed", ["system", "marks", "process table"]],
  [
    "background jobs survive the server, and their end is known",
    ["system", "process table", "data directory"],
  ],
  ["no zombies are left", ["sub-reaper"]],
  ["an alias never runs twice, crash or not", ["file system"]],
  ["results outlive a crash and a restart", ["data directory", "file system"]],
  ["output is kept whole", ["free space"]],
  ["as many jobs at once as the settings say", ["open files", "processes", "memory"]],
  ["lines for a shell can be run", ["shell"]],
];

/** What the findings mean for each promise. */
export function judgePromises(findings: readonly Finding[]): Kept[] {
  return promises.map(([promise, needs]) => {
    const against = findings.filter(
      ({ name, verdict }) => needs.includes(name) && (verdict === "weak" || verdict === "bad"),
    );
    const isBroken = against.some(({ verdict }) => verdict === "bad");
    const kept = isBroken ? "no" : against.length > 0 ? "partly" : "yes";
    return {
      promise,
      kept,
      because: against.map(
        ({ name, found, means }) => `${name}: ${found}${means === null ? "" : `: ${means}`}`,
      ),
    };
  });
}

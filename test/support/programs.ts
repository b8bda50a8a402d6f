import { resolve } from "node:path";

/** The folder of the small programs that tests run. */
export const programsFolder = resolve(import.meta.dir, "../programs");

/** The full name of a test program. */
export function program(name: string): string {
  return `${programsFolder}/${name}`;
}

/** The shapes of a process tree that a stop must end whole; each runs until it is stopped. */
export const treeShapes = {
  "clear-environment": 1,
  child: 2,
  "background-child": 2,
  "setsid-child": 2,
  "setsid-cleared": 2,
  daemonize: 2,
  "daemonize-cleared": 2,
  "ignore-term": 2,
  "fork-many": 201,
} as const;

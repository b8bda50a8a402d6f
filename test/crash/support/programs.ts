import { resolve } from "node:path";

/** The full name of a program that only these tests need. */
export function crashProgram(name: string): string {
  return resolve(import.meta.dir, "programs", name);
}

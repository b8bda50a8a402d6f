import { readFileSync } from "node:fs";
import type { JobSpec } from "../sdk/specTypes.ts";
import { usageError } from "./exitCodes.ts";

/** What a file says of a job. The server checks it, and knows fields that this program does not. */
export function readSpecFile(path: string): Partial<JobSpec> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why =
      error instanceof SyntaxError ? "it is no JSON" : error instanceof Error ? error.message : error;
    throw usageError(`--spec: ${path}: ${why}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw usageError(`--spec: ${path}: an object is needed, such as {"command": ["ls"]}`);
  return value as Partial<JobSpec>;
}

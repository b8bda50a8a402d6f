import { ErrandError } from "../core/errors.ts";

/** What a system that is short of something means to the client; any other error as it is. */
export function asRefusal(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new ErrandError("storage-full", `the disk of the data directory is full (${code})`);
  if (code === "EMFILE" || code === "ENFILE")
    return new ErrandError("too-many-jobs", `file descriptors have run out (${code})`, 1);
  return error;
}

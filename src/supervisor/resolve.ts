import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ErrandError } from "../core/errors.ts";

/** The system's words for an errno name, as programs of this kind print them. */
const systemErrors: Readonly<Record<string, { number: number; text: string }>> = {
  ENOENT: { number: 2, text: "No such file or directory" },
  E2BIG: { number: 7, text: "Argument list too long" },
  ENOEXEC: { number: 8, text: "Exec format error" },
  EACCES: { number: 13, text: "Permission denied" },
  ENOTDIR: { number: 20, text: "Not a directory" },
  EISDIR: { number: 21, text: "Is a directory" },
  ETXTBSY: { number: 26, text: "Text file busy" },
  ENAMETOOLONG: { number: 36, text: "File name too long" },
  ELOOP: { number: 40, text: "Too many levels of symbolic links" },
};

/** A `start-failed` with the system's words, its number, and what it was about. */
export function startFailed(errnoName: string, subject: string): ErrandError {
  const known = systemErrors[errnoName];
  const words = known === undefined ? errnoName : `${known.text} (os error ${known.number})`;
  return new ErrandError("start-failed", `${words}: ${subject}`);
}

/** The errno name of a system call's error, or undefined for any other error. */
export function errnoName(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The directory a job runs in; a relative one is relative to `base`. Throws `start-failed` when it is none. */
export function resolveDirectory(cwd: string | null, base: string): string {
  if (cwd === null || cwd === "" || cwd === ".") return base;
  const directory = resolve(base, cwd);
  try {
    if (!statSync(directory).isDirectory()) throw startFailed("ENOTDIR", `cwd ${directory}`);
    accessSync(directory, constants.X_OK);
  } catch (error) {
    if (error instanceof ErrandError) throw error;
    throw startFailed(errnoName(error) ?? "ENOENT", `cwd ${directory}`);
  }
  return directory;
}

/**
 * The file to execute: with a slash as it is, relative to the job's directory; without one looked up in the job's
 * `PATH`. Throws `start-failed`.
 */
export function resolveProgram(program: string, directory: string, path: string | undefined): string {
  if (program === "") throw startFailed("ENOENT", "the name of the program is empty");
  if (program.includes("/")) return isAbsolute(program) ? program : join(directory, program);
  let refused: string | null = null;
  for (const entry of (path ?? "").split(":")) {
    // An empty entry means the current directory, as in a shell.
    const candidate = entry === "" ? join(directory, program) : join(resolve(directory, entry), program);
    const verdict = executable(candidate);
    if (verdict === "yes") return candidate;
    if (verdict === "refused") refused ??= candidate;
  }
  if (refused !== null) throw startFailed("EACCES", refused);
  throw startFailed("ENOENT", `${program} (looked up in PATH=${path ?? ""})`);
}

function executable(file: string): "yes" | "refused" | "missing" {
  try {
    if (!statSync(file).isFile()) return "missing";
    accessSync(file, constants.X_OK);
    return "yes";
  } catch (error) {
    return errnoName(error) === "EACCES" ? "refused" : "missing";
  }
}

/** Says which of several things was missing when the system said ENOENT, ENOTDIR or EACCES of a start. */
export function explainStartError(name: string, program: string, directory: string): ErrandError {
  try {
    const stat = statSync(program);
    if (stat.isDirectory()) return startFailed("EACCES", `${program} is a directory`);
    if (name === "ENOENT") {
      const interpreter = readInterpreter(program);
      return startFailed(
        name,
        interpreter === null ? directory : `${program}: its interpreter ${interpreter}`,
      );
    }
  } catch {
    // The program itself is what is missing.
  }
  return startFailed(name, program);
}

function readInterpreter(program: string): string | null {
  const head = Buffer.alloc(256);
  const descriptor = openSync(program, "r");
  try {
    const count = readSync(descriptor, head, 0, head.byteLength, 0);
    return /^#![ \t]*([^ \t\n]+)/.exec(head.toString("latin1", 0, count))?.[1] ?? null;
  } finally {
    closeSync(descriptor);
  }
}

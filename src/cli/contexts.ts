import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { CliError, exitCodes } from "./exitCodes.ts";
import type { Variables } from "./surroundings.ts";

/** A server by a name, and how to be let in. */
export interface Context {
  readonly name: string;
  readonly url: string;
  /** At most one of the two. */
  readonly token: string | null;
  readonly tokenFile: string | null;
}

/** What the file holds. */
export interface Contexts {
  /** The one that is used when nothing else is said. */
  readonly current: string | null;
  readonly contexts: readonly Context[];
}

const othersBits = 0o077;
const none: Contexts = { current: null, contexts: [] };

/** The file: `errand/contexts.json` in `$XDG_CONFIG_HOME` or `~/.config`. */
export function contextsPath({ XDG_CONFIG_HOME: config }: Variables): string {
  const folder = config !== undefined && isAbsolute(config) ? config : join(homedir(), ".config");
  return join(folder, "errand", "contexts.json");
}

/** The contexts of the file; none when it is not there. Throws `CliError`. */
export function readContexts(path: string): Contexts {
  const text = readPrivate(path);
  if (text === null) return none;
  const contexts = parse(text);
  if (typeof contexts === "string") throw unusable(path, contexts);
  return contexts;
}

/** Replaces the file in one step: a reader sees the old one or the new one. Only its owner can read it. */
export function writeContexts(path: string, contexts: Contexts): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    // The mode above is cut by the umask, never widened by it.
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What is looked at is what is read, whatever is put into its place meanwhile. Null: there is no file. */
function readPrivate(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & othersBits) !== 0)
      throw new CliError(
        exitCodes.config,
        `${path}: it holds tokens, and others can use it (mode ${mode.toString(8).padStart(4, "0")})`,
        `chmod 600 ${path}`,
      );
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** The contexts, or what is wrong with them; the text may hold secrets and is not shown. */
function parse(text: string): Contexts | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is no JSON";
  }
  if (!isObject(value) || !Array.isArray(value.contexts)) return '{"current", "contexts": […]} is needed';
  const { current = null } = value;
  if (current !== null && typeof current !== "string") return "`current` must be a name or null";
  const contexts: Context[] = [];
  for (const [index, one] of value.contexts.entries()) {
    const context = readContext(one);
    if (context === null)
      return `contexts[${index}]: name and url, and token or tokenFile, are allowed as texts`;
    contexts.push(context);
  }
  return { current, contexts };
}

function readContext(value: unknown): Context | null {
  if (!isObject(value)) return null;
  const { name, url, token = null, tokenFile = null } = value;
  if (typeof name !== "string" || typeof url !== "string") return null;
  if (!isTextOrNull(token) || !isTextOrNull(tokenFile)) return null;
  return { name, url, token, tokenFile };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unusable(path: string, why: string): CliError {
  return new CliError(exitCodes.config, `${path}: ${why}`, "Mend it or remove it; errand context writes it.");
}

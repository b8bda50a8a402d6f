import { chownSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { atEnd, guardProcess, temporaryDirectory } from "./cleanup.ts";
import { collectLines } from "./lines.ts";
import { RunningServer, type Server } from "./running-server.ts";
import { endSurvivors } from "./survivors.ts";
import { until } from "./wait.ts";

export { endEverything } from "./cleanup.ts";
export type { RequestOptions } from "./request.ts";
export type { Server } from "./running-server.ts";

export const projectRoot = resolve(import.meta.dir, "../..");
export const errandProgram = join(projectRoot, "bin/errand");

export interface ServerOptions {
  /** More arguments of `errand serve`. */
  args?: readonly string[];
  /** Added to the environment of the server. */
  env?: Readonly<Record<string, string>>;
  /** The text of its configuration file. */
  config?: string;
  /** Another copy of `bin/errand`. */
  program?: string;
  /** A command that executes the server, such as `["prlimit", "--nofile=1024:4096"]`. */
  prefix?: readonly string[];
  /** An existing data directory, to start again on it; a fresh one otherwise. */
  dataDir?: string;
  /** Who owns the fresh directory, for a server that the prefix makes another user. */
  owner?: { uid: number; gid: number };
  auth?: "token" | "none";
  /**
   * Addresses given with `--listen`, each announced by the greeting; none at all when `args` say where to listen; a free
   * port of 127.0.0.1 otherwise.
   */
  listen?: readonly string[];
  /** The directory in which the server is started. */
  cwd?: string;
  greetingTimeoutMilliseconds?: number;
  /** Waits until it has loaded all of itself: before that, its descriptors and its memory are not those that it keeps. */
  atRest?: boolean;
}

/** Starts the real program and waits for its greeting; `afterAll(endEverything)` ends it. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const home = temporaryDirectory("server");
  if (options.owner) chownSync(home, options.owner.uid, options.owner.gid);
  const dataDir = options.dataDir ?? join(home, "data");
  const child = Bun.spawn(commandLine(options, home, dataDir), {
    cwd: options.cwd ?? home,
    env: { ...cleanEnvironment(), XDG_STATE_HOME: home, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  guardProcess(child.pid);
  const stdout = collectLines(child.stdout);
  const stderr = collectLines(child.stderr);
  const running = new RunningServer(child, { stdout, stderr });
  atEnd(async () => {
    await running.end();
    await endSurvivors(dataDir);
  });
  const addresses = await greeting(running, options);
  const server = running.announced(addresses, dataDir, options.auth ?? "token");
  if (options.atRest === true) {
    const loaded = () => server.logLines().some(({ msg }) => msg === "all is loaded");
    await until(loaded, { describe: "all to be loaded" });
  }
  return server;
}

function commandLine(options: ServerOptions, home: string, dataDir: string): string[] {
  const command = [...(options.prefix ?? []), options.program ?? errandProgram, "serve", "--data", dataDir];
  if (options.listen) for (const address of options.listen) command.push("--listen", address);
  else command.push("--port", "0");
  if (options.config !== undefined) {
    const path = join(home, "errand.toml");
    writeFileSync(path, options.config);
    command.push("--config", path);
  }
  if (options.auth) command.push("--auth", options.auth);
  return [...command, ...(options.args ?? [])];
}

/** The caller's settings of Errand and Bun must not change what is tested. */
export function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(ERRAND_|BUN_|NODE_)/.test(name)) kept[name] = value;
  }
  return kept;
}

async function greeting(running: RunningServer, options: ServerOptions): Promise<string[]> {
  const expected = options.listen?.length || 1;
  let found: string[] = [];
  const announced = () => {
    found = running.stdoutLines().flatMap((line) => /^Errand \S+ listens on (\S+)$/.exec(line)?.[1] ?? []);
    if (found.length >= expected) return true;
    if (running.process.exitCode !== null) throw new Error(`the server ended instead: ${running.said()}`);
    return false;
  };
  const timeoutMilliseconds = options.greetingTimeoutMilliseconds ?? 10_000;
  await until(announced, { timeoutMilliseconds, describe: () => `the greeting; it said ${running.said()}` });
  return found;
}

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, scratch, start } from "./processes.ts";

/** An Errand server of this checkout on a loopback port, with a data directory and a token of its own. */
export interface Errand {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly data: string;
  readonly program: Running;
}

const ownLauncher = join(import.meta.dir, "..", "bin", "errand");
let started = 0;

interface Options {
  /** A data directory that is there already; a new one otherwise. */
  readonly data?: string;
  /** The text of its configuration. */
  readonly config?: string;
}

/** Starts a server; `launcher` may be another checkout's, to compare the two. */
export async function startErrand(launcher = ownLauncher, options: Options = {}): Promise<Errand> {
  started += 1;
  const data = options.data ?? join(scratch(), `errand-${started}`);
  mkdirSync(data, { mode: 0o700, recursive: true });
  const config = join(scratch(), `errand-${started}.toml`);
  writeFileSync(config, options.config ?? "");
  const program = start([launcher, "serve", "--port", "0", "--data", data, "--config", config]);
  const greeting = await program.firstLine;
  const url = /http:\/\/127\.0\.0\.1:(\d+)/.exec(greeting);
  if (url === null) throw new Error(`the server greets with: ${greeting}`);
  return {
    url: url[0],
    port: Number(url[1]),
    token: readFileSync(join(data, "token"), "utf8").trim(),
    data,
    program,
  };
}

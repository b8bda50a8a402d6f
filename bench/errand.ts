import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, scratch, start } from "./processes.ts";

/** An Errand server of this checkout on a loopback port, with a data directory and a token of its own. */
export interface Errand {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly program: Running;
}

const ownLauncher = join(import.meta.dir, "..", "bin", "errand");
let started = 0;

/** Starts a server; `launcher` may be another checkout's, to compare the two. */
export async function startErrand(launcher = ownLauncher): Promise<Errand> {
  started += 1;
  const data = join(scratch(), `errand-${started}`);
  mkdirSync(data, { mode: 0o700 });
  const program = start([launcher, "serve", "--port", "0", "--data", data]);
  const greeting = await program.firstLine;
  const url = /http:\/\/127\.0\.0\.1:(\d+)/.exec(greeting);
  if (url === null) throw new Error(`the server greets with: ${greeting}`);
  return {
    url: url[0],
    port: Number(url[1]),
    token: readFileSync(join(data, "token"), "utf8").trim(),
    program,
  };
}

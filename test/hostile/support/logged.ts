import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../support/cleanup.ts";
import { signal } from "../../support/proc.ts";
import { type Server, startServer } from "../../support/server.ts";
import { within } from "../../support/wait.ts";

export interface LoggedServer {
  server: Server;
  /** Ends the server and gives every byte that it has logged. */
  end(): Promise<string>;
}

// The arguments are paths and flags that this harness made: none holds a quote.
const onTerminal = `command=
for word do command="$command '$word'"; done
exec 3>&1
exec script -qefc "exec $command >&3 3>&-" /dev/null >"$0" 2>&1`;
const intoFile = 'exec "$@" 2>"$0"';

/** A server whose log goes to a file, or through a terminal, on which it is written for people. */
export async function loggedServer(log: "file" | "terminal"): Promise<LoggedServer> {
  const path = join(temporaryDirectory("log"), "stderr");
  const script = log === "file" ? intoFile : onTerminal;
  const server = await startServer({ prefix: ["sh", "-c", script, path], args: ["-vv"] });
  return {
    server,
    async end() {
      // Behind a terminal the process that was started is not the server itself.
      const [pid] = readFileSync(join(server.dataDir, "lock"), "latin1").split(" ");
      signal(Number(pid), "SIGTERM");
      await within(server.process.exited, { describe: "the end of the server" });
      return readFileSync(path, "utf8");
    },
  };
}

import { atEnd, guardProcess, temporaryDirectory } from "./cleanup.ts";
import { cleanEnvironment, errandProgram } from "./server.ts";
import { within } from "./wait.ts";

export interface Result {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  timeoutMilliseconds?: number;
}

export interface RunningCommand {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Its end; a command that does not come to one is killed and fails the test. */
  result: Promise<Result>;
}

/** Runs `errand` with these arguments to its end. */
export function errand(args: readonly string[], options?: CommandOptions): Promise<Result> {
  return command([errandProgram, ...args], options);
}

/** Runs any program to its end. */
export function command(argv: readonly string[], options?: CommandOptions): Promise<Result> {
  return startCommand(argv, options).result;
}

/** Starts any program in an environment without settings of Errand or Bun. */
export function startCommand(argv: readonly string[], options: CommandOptions = {}): RunningCommand {
  const home = temporaryDirectory("command");
  const child = Bun.spawn([...argv], {
    cwd: options.cwd ?? home,
    env: { ...cleanEnvironment(), XDG_STATE_HOME: home, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  guardProcess(child.pid);
  atEnd(() => killed(child));
  return { pid: child.pid, kill: (signal) => child.kill(signal), result: resultOf(child, argv, options) };
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

async function resultOf(child: Child, argv: readonly string[], options: CommandOptions): Promise<Result> {
  const output = Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const { timeoutMilliseconds = 20_000 } = options;
  try {
    const [stdout, stderr] = await within(output, {
      timeoutMilliseconds,
      describe: `the end of ${argv.join(" ")}`,
    });
    const signal = child.signalCode === null ? null : String(child.signalCode);
    return { code: child.exitCode, signal, stdout, stderr };
  } finally {
    await killed(child);
  }
}

async function killed(child: Child): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}

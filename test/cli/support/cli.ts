import { atEnd, guardProcess, temporaryDirectory } from "../../support/cleanup.ts";
import { cleanEnvironment, errandProgram, type Server } from "../../support/server.ts";
import { within } from "../../support/wait.ts";

/** How a call of the program came out. */
export interface Told {
  code: number | null;
  signal: string | null;
  stdout: string;
  stdoutBytes: Uint8Array;
  stderr: string;
}

export interface CliOptions {
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** All that the program can read; nothing without it. `"pipe"`: what the test writes. */
  stdin?: Uint8Array | "pipe";
  timeoutMilliseconds?: number;
}

/** The program while it runs. */
export interface RunningCli {
  pid: number;
  signal(name: NodeJS.Signals): void;
  /** With `stdin: "pipe"`: what it reads. */
  stdin: Bun.FileSink | undefined;
  /** What it has written so far, as it comes. */
  output: { stdout: string; stderr: string };
  ended: Promise<Told>;
}

/** `errand` as somebody types it who uses this server. */
export class Cli {
  readonly #env: Readonly<Record<string, string>>;

  constructor(server: Pick<Server, "url" | "token" | "socketPath">) {
    const url = server.socketPath === undefined ? server.url : `unix:${server.socketPath}`;
    this.#env = { ERRAND_URL: url, ...(server.token === "" ? {} : { ERRAND_TOKEN: server.token }) };
  }

  /** To its end. */
  run(args: readonly string[], options: CliOptions = {}): Promise<Told> {
    return this.start(args, options).ended;
  }

  /** `errand start`: the id of the job. */
  async launch(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(["start", ...args]);
    if (code !== 0 || !/^\d+\n$/.test(stdout)) throw new Error(`errand start: ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** The same of a job that has then ended. */
  async launchToEnd(...args: string[]): Promise<string> {
    const id = await this.launch(...args);
    await this.run(["wait", id]);
    return id;
  }

  start(args: readonly string[], options: CliOptions = {}): RunningCli {
    return this.through([errandProgram, ...args], options);
  }

  /** Another program that starts it. */
  through(argv: readonly string[], options: CliOptions = {}): RunningCli {
    return startProgram(argv, { ...options, env: { ...this.#env, ...options.env } });
  }
}

/** Starts the real program; `afterAll(endEverything)` ends it. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  return startProgram([errandProgram, ...args], options);
}

function startProgram(argv: readonly string[], options: CliOptions): RunningCli {
  const home = temporaryDirectory("cli");
  const child = Bun.spawn([...argv], {
    cwd: options.cwd ?? home,
    env: { ...cleanEnvironment(), XDG_STATE_HOME: home, XDG_CONFIG_HOME: home, ...options.env },
    stdin: options.stdin ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  guardProcess(child.pid);
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  atEnd(end);
  const output = { stdout: "", stderr: "" };
  const collected = Promise.all([
    collect(child.stdout, (text) => {
      output.stdout += text;
    }),
    collect(child.stderr, (text) => {
      output.stderr += text;
    }),
    child.exited,
  ]);
  const { timeoutMilliseconds = 20_000 } = options;
  const describe = () => `the end of ${argv.join(" ")}; it said ${output.stdout}${output.stderr}`;
  const ended = within(collected, { timeoutMilliseconds, describe }).then(
    ([stdoutBytes]) => {
      const signal = child.signalCode === null ? null : String(child.signalCode);
      return { code: child.exitCode, signal, stdoutBytes, ...output };
    },
    async (error: unknown) => {
      await end();
      throw error;
    },
  );
  // Some tests look at it late.
  ended.catch(() => undefined);
  return {
    pid: child.pid,
    signal: (name) => child.kill(name),
    stdin: typeof child.stdin === "object" ? child.stdin : undefined,
    output,
    ended,
  };
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<Uint8Array> {
  const decoder = new TextDecoder();
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) {
    pieces.push(piece);
    take(decoder.decode(piece, { stream: true }));
  }
  return Buffer.concat(pieces);
}

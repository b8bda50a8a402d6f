import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lines } from "./lines.ts";
import { childrenOf, executableOf, isLiving, readProcess, signal } from "./proc.ts";
import { type RequestOptions, request, type Target } from "./request.ts";
import { isShim } from "./survivors.ts";
import { until, within } from "./wait.ts";

export interface Memory {
  pssBytes: number;
  anonymousBytes: number;
}

export interface Server {
  /** The first address of the greeting, e.g. `http://127.0.0.1:41234` (for a Unix socket `http://localhost`). */
  readonly url: string;
  readonly addresses: readonly string[];
  readonly host: string;
  readonly port: number;
  /** The path of the Unix socket when the first address is one. */
  readonly socketPath: string | undefined;
  /** Empty with `auth: "none"`. */
  readonly token: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  request(path: string, options?: RequestOptions): Promise<Response>;
  /** SIGTERM, then waits; gives the exit code. SIGKILL and an error when it takes too long. */
  stop(timeoutMilliseconds?: number): Promise<number | null>;
  /** SIGKILL to the server's process alone. */
  kill9(): Promise<void>;
  /** Of the server and the helpers that it keeps, such as the watchdog. */
  memory(): Memory;
  /** How many descriptors the server's process has open. */
  openDescriptors(): number;
  /** What was logged so far, parsed; a line that is no JSON object comes as `{ text }`. */
  logLines(): Record<string, unknown>[];
  stdoutLines(): string[];
}

/** The process behind a `Server`. */
export class RunningServer {
  constructor(
    readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">,
    readonly output: { stdout: Lines; stderr: Lines },
  ) {}

  stdoutLines(): string[] {
    return this.output.stdout.lines();
  }

  said(): string {
    const { stdout, stderr } = this.output;
    return `(exit ${this.process.exitCode}) ${[...stdout.lines(), ...stderr.lines()].join("\n")}`;
  }

  announced(addresses: string[], dataDir: string, auth: "token" | "none"): Server {
    const first = addresses[0] ?? "";
    const socketPath = first.startsWith("unix:") ? first.slice("unix:".length) : undefined;
    const url = socketPath === undefined ? new URL(first) : new URL("http://localhost");
    const token = auth === "none" ? "" : readFileSync(join(dataDir, "token"), "utf8").trim();
    const origin = url.origin;
    return {
      url: origin,
      addresses,
      host: url.hostname,
      port: Number(url.port),
      socketPath,
      token,
      dataDir,
      pid: this.process.pid,
      process: this.process,
      request: (path, options) => this.request({ origin, socketPath, token }, path, options),
      stop: (timeoutMilliseconds) => this.stop(timeoutMilliseconds),
      kill9: () => this.kill9(),
      memory: () => this.memory(),
      openDescriptors: () => readdirSync(`/proc/${this.process.pid}/fd`).length,
      logLines: () => this.output.stderr.lines().map(parsed),
      stdoutLines: () => this.stdoutLines(),
    };
  }

  /** A request that finds no answer tells what the server has said, which is mostly why. */
  private async request(target: Target, path: string, options: RequestOptions = {}): Promise<Response> {
    try {
      return await request(target, path, options);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new Error(`${path}: ${error}; the server: ${this.said()}`, { cause: error });
    }
  }

  /** The server and those of its children that run the same program: jobs run others. */
  private family(): number[] {
    const { pid } = this.process;
    const program = executableOf(pid);
    return [
      pid,
      ...childrenOf(pid).filter((child) => program !== undefined && executableOf(child) === program),
    ];
  }

  private memory(): Memory {
    const rollups = this.family().map((pid) => readProcess(pid, "smaps_rollup") ?? "");
    const sum = (name: string) =>
      rollups.reduce(
        (all, text) => all + Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0),
        0,
      );
    return { pssBytes: sum("Pss") * 1024, anonymousBytes: sum("Anonymous") * 1024 };
  }

  private async stop(timeoutMilliseconds = 30_000): Promise<number | null> {
    signal(this.process.pid, "SIGTERM");
    const describe = () => `the end of the server after SIGTERM; it said ${this.said()}`;
    try {
      await within(this.process.exited, { timeoutMilliseconds, describe });
    } catch (error) {
      await this.kill9();
      throw error;
    }
    return this.process.exitCode;
  }

  private async kill9(): Promise<void> {
    this.process.kill("SIGKILL");
    await within(this.process.exited, { describe: "the end of the server after SIGKILL" });
  }

  /** At the end of a test file: whatever the state, nothing of the server lives on. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    // Shims live on when they have something to do.
    const family = this.family().filter((pid) => !isShim(pid));
    await this.kill9();
    const gone = () => family.every((pid) => !isLiving(pid));
    await until(gone, { describe: "the server's helpers to be gone after its end" });
  }
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : { text: line };
  } catch {
    return { text: line };
  }
}

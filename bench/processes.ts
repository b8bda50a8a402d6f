import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program that the bench has started and will end. */
export interface Running {
  readonly pid: number;
  /** The first line of its stdout, without the newline; rejects when it ends before that. */
  readonly firstLine: Promise<string>;
  stop(): Promise<void>;
}

const running = new Set<Running>();
const atEnd: (() => void)[] = [];
const stopMilliseconds = 8_000;
let workFolder: string | undefined;

/** A private folder for everything that the bench writes while it runs; removed by `stopAll`. */
export function scratch(): string {
  workFolder ??= mkdtempSync(join(tmpdir(), "errand-bench-"));
  return workFolder;
}

/** Finds a program in PATH and where Debian keeps daemons. */
export function which(program: string): string | undefined {
  const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;
  return Bun.which(program, { PATH: path }) ?? undefined;
}

/** Starts a program that stays, in a session of its own, so that its whole group can be ended by id. */
export function start(command: readonly string[], env: Record<string, string> = {}): Running {
  const log = join(scratch(), `${running.size}-${command[0]?.split("/").pop()}.log`);
  const child = Bun.spawn([...command], {
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(log),
    env: { ...process.env, ...env },
  });
  const firstLine = readFirstLine(child.stdout).catch(() => {
    throw new Error(`${command[0]} ended early: ${readFileSync(log, "utf8").slice(-1_000)}`);
  });
  // Most programs greet nobody, and nobody asks them to.
  firstLine.catch(() => undefined);
  const program: Running = {
    pid: child.pid,
    firstLine,
    async stop() {
      if (!running.delete(program)) return;
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), stopMilliseconds);
      await child.exited;
      clearTimeout(patience);
      killGroup(child.pid);
    },
  };
  running.add(program);
  return program;
}

/** Adds something that `stopAll` undoes when the programs have ended. */
export function undoAtEnd(undo: () => void): void {
  atEnd.push(undo);
}

/** Ends everything that was started, the newest first, and removes the scratch folder. */
export async function stopAll(): Promise<void> {
  for (const program of [...running].reverse()) await program.stop();
  for (const undo of atEnd.splice(0)) undo();
  if (workFolder !== undefined) rmSync(workFolder, { recursive: true, force: true });
  workFolder = undefined;
}

/** Runs a program to its end and returns its stdout; throws when it fails or takes longer than `seconds`. */
export async function run(command: readonly string[], seconds = 10): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: seconds * 1_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode === 0) return stdout;
  const how = child.signalCode === null ? `code ${child.exitCode}` : `after ${seconds} s`;
  throw new Error(`${command[0]} failed (${how}): ${(stderr || stdout).trim().slice(-500)}`);
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null
          ? resolve(address.port)
          : reject(new Error("no port")),
      );
    });
  });
}

/** Waits until `ready` is true or resolves to true; throws when that takes longer than 10 s. */
export async function until(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await ready())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within 10 s`);
    await Bun.sleep(10);
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // The group is empty: nothing was left behind.
  }
}

/** Resolves with the first line, and reads on to the end, so that the program never blocks on a full pipe. */
function readFirstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  return new Promise((resolve, reject) => {
    let text = "";
    const read = async () => {
      for await (const chunk of stream) {
        if (text.includes("\n")) continue;
        text += decoder.decode(chunk, { stream: true });
        const end = text.indexOf("\n");
        if (end >= 0) resolve(text.slice(0, end));
      }
      reject(new Error("no line"));
    };
    read().catch(reject);
  });
}

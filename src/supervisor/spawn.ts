import { closeSync, openSync } from "node:fs";
import { ErrandError } from "../core/errors.ts";
import type { Exit, JobSpec, TerminalSize } from "../core/job.ts";
import { jobEnvironment } from "./environment.ts";
import { openGiven } from "./givenInput.ts";
import { InputPipe } from "./inputPipe.ts";
import { getLimit, resource, setLimit } from "./libc.ts";
import { clearMark, type Mark, setMark } from "./mark.ts";
import { OutputPipe } from "./outputPipe.ts";
import type { Reserve } from "./reserve.ts";
import { errnoName, explainStartError, resolveDirectory, resolveProgram, startFailed } from "./resolve.ts";
import { signalMarked } from "./signal.ts";
import { findMarked } from "./sweep.ts";
import { JobTerminal } from "./terminal.ts";
import type { TerminalInput } from "./terminalInput.ts";
import { openTerminalSide } from "./terminalSide.ts";

/** What holds for every command that a server starts. */
export interface SpawnSettings {
  readonly environment: Readonly<Record<string, string>>;
  /** Relative directories are relative to this one. */
  readonly directory: string;
  /** The soft limit of open files for commands; null leaves them the server's. */
  readonly softOpenFiles: number | null;
}

/** A process that has been executed, with the server's ends of its pipes. */
export interface Spawned {
  readonly pid: number;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
  /** stdin, when the spec wants it open. */
  readonly input: InputPipe | null;
}

/** A process at a terminal of its own. */
export interface SpawnedAtTerminal {
  readonly pid: number;
  readonly terminal: JobTerminal;
  readonly input: TerminalInput;
}

/** What programs take a terminal for, unless the job's environment says something else. */
const terminalType = "xterm-256color";

const retryAfterSeconds = 1;
const nullDevice = openSync("/dev/null", "r+");

/** Above the descriptor in use, what one start opens besides its pipes. */
const descriptorsOfStart = 8;

/** What a start goes by. */
export interface SpawnParts {
  readonly settings: SpawnSettings;
  readonly reserve: Reserve;
  readonly onExit: (exit: Exit) => void;
}

/**
 * Executes the command in a session and process group of its own, with the mark if there is one. stdin is /dev/null
 * or holds what the spec gives, stdout and stderr are pipes or /dev/null, nothing else is open. A stream that is
 * discarded, or merged into the other, has a pipe without a writer. Throws `invalid-spec`, `start-failed` or
 * `too-many-jobs`; then nothing is left of it.
 */
export function spawn(mark: Mark | null, spec: JobSpec, { settings, reserve, onExit }: SpawnParts): Spawned {
  const what = prepare(spec, settings, reserve);
  const { stdout, stderr } = openPipes(reserve, spec);
  let stdin = nullDevice;
  let input: InputPipe | null = null;
  try {
    if (spec.stdin === "open") input = new InputPipe();
    else if (spec.stdin !== null) stdin = openGiven(spec.stdin);
    const out = spec.discardStdout ? nullDevice : stdout.writeEnd;
    const err = spec.discardStderr ? nullDevice : spec.mergeOutput ? out : stderr.writeEnd;
    const stdio: [number, number, number] = [input?.readEnd ?? stdin, out, err];
    const highestDescriptor = Math.max(stderr.highestDescriptor, input?.readEnd ?? 0);
    const { pid } = execute({ mark, ...what, settings, onExit, streams: { stdio }, highestDescriptor });
    stdout.closeWriteEnd();
    stderr.closeWriteEnd();
    input?.closeReadEnd();
    return { pid, stdout, stderr, input };
  } catch (error) {
    input?.close();
    stdout.close();
    stderr.close();
    throw asStartError(error, what);
  } finally {
    if (stdin !== nullDevice) closeSync(stdin);
  }
}

/**
 * Executes the command in a session of its own, with a terminal of that size as its controlling one and as stdin, stdout
 * and stderr. Throws what `spawn` throws; then nothing is left of it.
 */
export function spawnAtTerminal(
  { mark, size }: { readonly mark: Mark; readonly size: TerminalSize },
  spec: JobSpec,
  { settings, reserve, onExit }: SpawnParts,
): SpawnedAtTerminal {
  const env = { ...spec.env, TERM: spec.env.TERM ?? terminalType };
  const what = prepare({ ...spec, env }, settings, reserve);
  const terminal = new JobTerminal();
  try {
    const lowest = lowestFreeDescriptor();
    reserve.checkDescriptors(lowest + descriptorsOfStart);
    const streams = { terminal: terminal.options(size) };
    const child = execute({ mark, ...what, settings, onExit, streams, highestDescriptor: lowest });
    if (child.terminal === undefined) throw new Error("the runtime has made no terminal");
    terminal.bind(child.terminal, openTerminalSide(child.pid, lowest));
    return { pid: child.pid, terminal, input: terminal.input };
  } catch (error) {
    terminal.close();
    throw asStartError(error, what);
  }
}

/** What to execute, and where. */
interface Prepared {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly env: Record<string, string>;
}

function prepare(spec: JobSpec, settings: SpawnSettings, reserve: Reserve): Prepared {
  if (spec.command.some((argument) => argument.includes("\0"))) {
    throw new ErrandError("invalid-spec", "an argument holds a NUL byte, which no program can be given");
  }
  if (spec.cwd?.includes("\0"))
    throw new ErrandError("invalid-spec", "the working directory holds a NUL byte");
  const env = jobEnvironment(settings.environment, spec.env);
  const directory = resolveDirectory(spec.cwd, settings.directory);
  const [name, ...args] = spec.command;
  const program = resolveProgram(name, directory, env.PATH);
  reserve.checkProcesses();
  return { name, program, args, directory, env };
}

/** It tells how many are open: the system gives out the lowest free one. */
function lowestFreeDescriptor(): number {
  const descriptor = openSync("/dev/null", "r");
  closeSync(descriptor);
  return descriptor;
}

function openPipes(
  reserve: Reserve,
  { stdoutReadBytes, stderrReadBytes }: Pick<JobSpec, "stdoutReadBytes" | "stderrReadBytes">,
): Pick<Spawned, "stdout" | "stderr"> {
  const opened: OutputPipe[] = [];
  try {
    const stdout = new OutputPipe(stdoutReadBytes);
    opened.push(stdout);
    const stderr = new OutputPipe(stderrReadBytes);
    opened.push(stderr);
    reserve.checkDescriptors(stderr.highestDescriptor + descriptorsOfStart);
    return { stdout, stderr };
  } catch (error) {
    for (const pipe of opened) pipe.close();
    throw errnoName(error) === "EMFILE" ? busy("file descriptors have run out") : error;
  }
}

interface Execution extends Prepared {
  readonly mark: Mark | null;
  readonly settings: SpawnSettings;
  readonly streams: { readonly stdio: [number, number, number] } | { readonly terminal: Bun.TerminalOptions };
  readonly highestDescriptor: number;
  readonly onExit: (exit: Exit) => void;
}

function execute(execution: Execution): Pick<Bun.Subprocess, "pid" | "terminal"> {
  const { mark, onExit } = execution;
  const { softOpenFiles } = execution.settings;
  const restore = softOpenFiles === null ? null : lowerOpenFiles(softOpenFiles, execution.highestDescriptor);
  if (mark !== null) setMark(mark);
  try {
    const child = Bun.spawn({
      cmd: [execution.program, ...execution.args],
      argv0: execution.name,
      cwd: execution.directory,
      env: execution.env,
      detached: true,
      ...execution.streams,
      onExit: (_child, code, signal) => onExit(exitOf(code, signal)),
    });
    if (restore === null && softOpenFiles !== null) limitOpenFiles(child.pid, softOpenFiles);
    return child;
  } catch (error) {
    // At the limit of descriptors the process may have been started before the failure.
    if (errnoName(error) === "EMFILE" && mark !== null) killStarted(mark);
    throw error;
  } finally {
    if (mark !== null) clearMark();
    restore?.();
  }
}

function killStarted(mark: Mark): void {
  for (const { pid } of findMarked(new Set([mark])).get(mark) ?? []) signalMarked(pid, mark, "SIGKILL");
}

/**
 * A child inherits this process's limit, so it is lowered while the child is made. Not possible while the server
 * itself uses higher descriptors: then null, and `limitOpenFiles` does it a moment after the start.
 */
function lowerOpenFiles(soft: number, highestDescriptor: number): (() => void) | null {
  if (highestDescriptor + descriptorsOfStart >= soft) return null;
  const own = getLimit(0, resource.openFiles);
  if (own === null || !setLimit(0, resource.openFiles, BigInt(soft), own.hard)) return null;
  return () => setLimit(0, resource.openFiles, own.soft, own.hard);
}

function limitOpenFiles(pid: number, soft: number): void {
  const limit = getLimit(pid, resource.openFiles);
  if (limit !== null) setLimit(pid, resource.openFiles, BigInt(soft), limit.hard);
}

function exitOf(code: number | null, signal: number | string | null): Exit {
  if (signal !== null) return { code: null, signal: typeof signal === "number" ? `SIG${signal}` : signal };
  return { code: code ?? 0, signal: null };
}

function asStartError(error: unknown, { program, directory }: Prepared): unknown {
  const name = errnoName(error);
  if (name === undefined || error instanceof ErrandError) return error;
  switch (name) {
    case "ENOENT":
    case "ENOTDIR":
    case "EACCES":
      return explainStartError(name, program, directory);
    case "EMFILE":
    case "ENFILE":
    case "EAGAIN":
    case "ENOMEM":
      return busy(`the system refused to start a process (${name})`);
    case "E2BIG":
      return startFailed(name, "arguments and environment together");
    default:
      return startFailed(name, program);
  }
}

function busy(message: string): ErrandError {
  return new ErrandError("too-many-jobs", message, retryAfterSeconds);
}

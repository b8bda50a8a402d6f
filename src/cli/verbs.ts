import type { Command } from "commander";
import type { Surroundings } from "./surroundings.ts";

/** What a verb may ask of the program that it is a part of. */
export interface Program {
  /** Says what the exit code is to be; without it, it is 0. */
  endWith(exitCode: number): void;
  /** Every verb, as the parser knows it. */
  allCommands(): Promise<Command[]>;
  /** One line on each verb, by its name. */
  readonly abouts: ReadonlyMap<string, string>;
}

export type BuildVerb = (surroundings: Surroundings, program: Program) => Command;

type Load = () => Promise<BuildVerb>;

/** One verb, of which nothing is loaded until it is asked for. */
export interface Verb {
  readonly name: string;
  readonly group: string;
  readonly about: string;
  /** Its exit code is the command's, so that all its own failures are 125. */
  readonly endsAsCommand: boolean;
  readonly load: Load;
}

const commands = "Run commands";
const looking = "Look after them";
const server = "The server";
const program = "This program";

/** Every verb, in the order of the help. */
export const verbs: readonly Verb[] = [
  running(
    "run",
    "run a command: its output comes here, its exit code too",
    async () => (await import("./run.ts")).runCommand,
  ),
  running(
    "start",
    "start a command in the background and print its id",
    async () => (await import("./start.ts")).startCommand,
  ),
  verb(looking, "ps", "list jobs", async () => (await import("./ps.ts")).psCommand),
  verb(
    looking,
    "logs",
    "print what a job has written, and follow it",
    async () => (await import("./logs.ts")).logsCommand,
  ),
  {
    ...running(
      "attach",
      "show a running job on this terminal, and type into it",
      async () => (await import("./attach.ts")).attachCommand,
    ),
    group: looking,
  },
  {
    ...running(
      "wait",
      "wait for a job's end, and end with its exit code",
      async () => (await import("./wait.ts")).waitCommand,
    ),
    group: looking,
  },
  verb(
    looking,
    "stop",
    "stop jobs with everything they started",
    async () => (await import("./stop.ts")).stopCommand,
  ),
  verb(looking, "signal", "send a signal to a job", async () => (await import("./signal.ts")).signalCommand),
  verb(looking, "rm", "forget ended jobs and their output", async () => (await import("./rm.ts")).rmCommand),
  verb(server, "serve", "run the server", async () => (await import("./serve.ts")).serveCommand),
  verb(
    server,
    "info",
    "say which server answers, its version and its limits",
    async () => (await import("./info.ts")).infoCommand,
  ),
  verb(
    server,
    "token",
    "make, list and revoke tokens",
    async () => (await import("./token.ts")).tokenCommand,
  ),
  verb(
    server,
    "doctor",
    "say what this host offers to a server",
    async () => (await import("./doctor.ts")).doctorCommand,
  ),
  verb(
    program,
    "context",
    "keep servers and their tokens under names",
    async () => (await import("./context.ts")).contextCommand,
  ),
  verb(
    program,
    "completion",
    "print the completions for a shell",
    async () => (await import("./completion.ts")).completionCommand,
  ),
];

function verb(group: string, name: string, about: string, load: Load): Verb {
  return { name, group, about, endsAsCommand: false, load };
}

function running(name: string, about: string, load: Load): Verb {
  return { ...verb(commands, name, about, load), endsAsCommand: true };
}

/** The verb of that name. */
export function findVerb(name: string): Verb | undefined {
  return verbs.find((one) => one.name === name);
}

import type { Server, ServerOptions } from "../support/server.ts";
import type { Flag, FlagTable } from "./flags.ts";

/** The longest that the end of a command is waited for. */
export const endMilliseconds = 15_000;

/** What to run and how, in no door's words. An adapter hands on each field whose flag is on. */
export interface Spec {
  /** Program and arguments, or a line for /bin/sh. */
  readonly command: readonly [string, ...string[]] | string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly alias?: string;
  readonly stdin?: Uint8Array;
  readonly mergeOutput?: true;
  readonly discardOutput?: true;
  readonly leftovers?: "stop";
  readonly successExitCodes?: readonly number[];
  readonly runTimeoutSeconds?: number;
  readonly idleTimeoutSeconds?: number;
  /** From TERM to KILL when a limit stops it. */
  readonly stopGraceSeconds?: number;
  readonly outputBytes?: number;
  readonly callbackUrl?: string;
}

/** The flag that must be on for a field to be given. */
export const flagOfField = {
  alias: "alias",
  stdin: "stdin",
  mergeOutput: "mergeOutput",
  discardOutput: "discardOutput",
  leftovers: "leftoversStop",
  successExitCodes: "successExitCodes",
  runTimeoutSeconds: "runTimeout",
  idleTimeoutSeconds: "idleTimeout",
  stopGraceSeconds: "runTimeout",
  outputBytes: "outputLimit",
  callbackUrl: "callback",
} as const satisfies Partial<Record<keyof Spec, Flag>>;

/** What the client was told of a command that has ended; null is what this door does not tell. */
export interface Told {
  readonly jobId: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array | null;
  /** Of both null, when nothing is told of the ending. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: string | null;
  /** False: the door has shown that the output is not all there is. */
  readonly whole: boolean;
}

/** A command that was asked for. */
export interface Run {
  /** Null where it is told only at the end. */
  readonly jobId: string | null;
  /** Rejects with `Refused` where the start itself is not answered. */
  readonly ended: Promise<Told>;
  /** Goes away without waiting for the end. */
  leave(): void;
}

/** What a callback says, as far as its form says it. */
export type Notice = Partial<Pick<Told, "jobId" | "code" | "signal" | "reason">> & {
  readonly stdout?: string;
  readonly stderr?: string;
};

/** A client of one server, through the way in that is tried. */
export interface Client {
  readonly server: Server;
  /** Asks for a command and stays with it. Throws `Refused`. */
  begin(spec: Spec): Promise<Run>;
  /** Flag `background`: gives the job's id when the command has been started. */
  launch(spec: Spec): Promise<string>;
  /** Flag `detached`: the same for a command that is let go. */
  letGo(spec: Spec): Promise<string>;
  /** Flag `callback`: reads the body of one. */
  readNotice(body: string): Notice;
}

/** One way in. An adapter only starts a server and puts the suite's words into those of the protocol. */
export interface Adapter {
  readonly name: string;
  readonly flags: FlagTable;
  /** How the records call the jobs of this door. */
  readonly mode: "attached" | "background";
  start(options: ServerOptions): Promise<Client>;
}

/** The door would not run it. */
export class Refused extends Error {
  override readonly name = "Refused";

  /** `code`: of the table of errors; null where the door tells no kinds apart. */
  constructor(
    readonly code: string | null,
    message: string,
  ) {
    super(message);
  }
}

/** For what an adapter's flags switch off. */
export function notHere(): never {
  throw new Error("the flag of this is off");
}

/** A line for the shell that executes these arguments as they are. */
export function shellLine(command: Spec["command"]): string {
  if (typeof command === "string") return command;
  return `exec ${command.map((argument) => `'${argument.replaceAll("'", `'\\''`)}'`).join(" ")}`;
}

import type { Exit, JobEnd, JobSpec, StartingJob, StopReason, TerminalSize } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";

/*
 * What a server and a shim say to each other, over a Unix socket that is the server's own (a new shim connects to it) or
 * the job's (a later server connects to it). Each message is a frame; `frames.ts` has their form.
 */

/** A change of a message's meaning is a new version. A side that does not know the other's version ends the connection. */
export const shimProtocolVersion = 1;

/** What holds for every command that a shim starts, from the server that has started the shim. */
export interface ShimSetup {
  readonly limits: Limits;
  readonly environment: Readonly<Record<string, string>>;
  /** Relative working directories are relative to this one. */
  readonly directory: string;
  readonly softOpenFiles: number | null;
}

/** From the server. */
export type ServerMessage =
  /** The first one: to a new shim with the setup, to one of an earlier server without. */
  | { readonly type: "welcome"; readonly version: number; readonly setup: ShimSetup | null }
  /** Run this job. A given stdin has come in frames before. */
  | {
      readonly type: "run";
      readonly job: StartingJob;
      readonly spec: Omit<JobSpec, "stdin"> & { readonly stdin: "open" | "given" | null };
      readonly directory: string;
      readonly keptBytes: number;
    }
  | { readonly type: "signal"; readonly name: string }
  | { readonly type: "stop"; readonly graceSeconds: number; readonly reason: StopReason }
  | { readonly type: "resize"; readonly size: TerminalSize }
  | { readonly type: "closeInput" }
  /** Somebody follows the job: to be remembered. */
  | { readonly type: "followed" }
  /** So many bytes of the job's files have been counted; `full`: no more is to be kept. */
  | { readonly type: "counted"; readonly storedBytes: number; readonly full: boolean }
  /** The end is on record: the shim may take another job, or end. */
  | { readonly type: "settled" };

/**
 * What the shim has received for stdin and will hand on in order, in all and of each writer. It is told when the command
 * has taken it, or to a server that has just come.
 */
export interface InputState {
  readonly bytes: number;
  readonly closed: boolean;
  readonly writers: readonly (readonly [string, number])[];
}

/** How a job stands, for a server that has just come. */
export interface ShimSnapshot {
  readonly jobId: string;
  /** The pid and the time of the execution (milliseconds since 1970); null before it. */
  readonly started: { readonly pid: number; readonly at: number } | null;
  readonly stop: StopReason | null;
  readonly exit: Exit | null;
  /** Of its terminal; null when it has none. */
  readonly terminalSize: TerminalSize | null;
  /** null: the job has no open stdin. */
  readonly input: InputState | null;
  readonly storedBytes: number;
  /** Somebody has followed the job. */
  readonly followed: boolean;
}

/** From the shim. */
export type ShimMessage =
  /** The first one. */
  | {
      readonly type: "hello";
      readonly version: number;
      readonly pid: number;
      readonly job: ShimSnapshot | null;
    }
  | { readonly type: "started"; readonly pid: number; readonly at: number; readonly hasInput: boolean }
  /** The command could not be executed. The job's directory is the server's again. */
  | {
      readonly type: "refused";
      readonly code: string;
      readonly message: string;
      readonly retryAfterSeconds: number | null;
    }
  | { readonly type: "wrote"; readonly storedBytes: number }
  /** Input has been taken. */
  | { readonly type: "taken"; readonly input: InputState }
  | { readonly type: "stopping"; readonly reason: StopReason }
  | { readonly type: "exited"; readonly exit: Exit }
  /** The end is written down. */
  | { readonly type: "ended"; readonly end: JobEnd };

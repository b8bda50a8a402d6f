import type { Exit, Job, JobId, JobSpec, JobState, OutputSummary } from "./job.ts";
import type { Instant } from "./transitions.ts";

/** Both clocks. */
export interface Clock {
  /** Milliseconds since 1970 and nanoseconds of the monotonic clock. */
  now(): Instant;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Calls back once after that time; the function given back cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** What a supervised process tells its owner. Each is called once, in this order. */
export interface ProcessListener {
  /** The leader has ended. */
  exited(exit: Exit): void;
  /** Output is drained and, when it was stopped, the whole tree is gone. `detail` tells what could not be done. */
  finished(output: OutputSummary, detail: string | null): void;
}

/** stdout of an attached process, read by one reader, byte for byte. */
export interface AttachedOutput {
  /**
   * The whole of stdout when the command ended at once and the job is finished; null when it runs on: then `read`.
   * Call it once, before the first `read`.
   */
  whole(): Promise<Uint8Array | null>;
  /** The next bytes, at most 64 KiB, or null after the job has finished. Not reading holds back the child. */
  read(): Promise<Uint8Array | null>;
}

/** A process that has been executed, with the tree that grows from it. */
export interface SupervisedProcess {
  readonly pid: number;
  readonly output: AttachedOutput;
  /** TERM to the whole tree, KILL after the grace time (0: at once). May be called again with a shorter grace. */
  stop(graceSeconds: number): void;
}

/** Starts processes. */
export interface Supervisor {
  /**
   * Executes the command; it runs when this returns. Throws `ErrandError`: `start-failed` with the system's words,
   * `invalid-spec`, or `too-many-jobs` at the reserve of descriptors or processes.
   */
  start(id: bigint, spec: JobSpec, listener: ProcessListener): SupervisedProcess;
}

/** Which jobs a list shows: all conditions hold together. */
export interface JobQuery {
  readonly states?: readonly JobState[];
  readonly alias?: string;
  readonly node?: string;
  /** Milliseconds since 1970: created at or after. */
  readonly since?: number;
  /** Only jobs older than this one. */
  readonly before?: JobId;
  readonly count: number;
}

/** The record of jobs. Writes may be delayed; reads see them all the same. */
export interface JobHistory {
  put(job: Job): void;
  get(id: JobId): Job | undefined;
  /** Newest first. */
  list(query: JobQuery): Job[];
}

/** Who holds an alias. */
export interface AliasClaims {
  /** Takes the alias; false when another job holds it. */
  claim(alias: string, id: JobId): boolean;
  release(alias: string, id: JobId): void;
}

/** Where the lives of jobs are told to people. */
export interface JobLog {
  /** A command has been executed. */
  started(job: Job): void;
  /** A job has ended or failed to start. */
  ended(job: Job): void;
}

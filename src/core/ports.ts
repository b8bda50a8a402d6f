import type {
  EndedJob,
  Exit,
  Job,
  JobId,
  JobSpec,
  JobState,
  LimitReason,
  OutputSummary,
  RunningJob,
  StartingJob,
  StopReason,
  StreamSummary,
  TerminalSize,
} from "./job.ts";
import type { Remains } from "./shimPorts.ts";
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

/** What a supervised process tells its owner. `exited` and `finished` are called once, in this order. */
export interface ProcessListener {
  /** It has reached a limit of its spec: the owner is to stop it. Called at most once for each reason. */
  limitReached(reason: LimitReason): void;
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
  /**
   * TERM to the whole tree, KILL after the grace time (0: at once). May be called again with a shorter grace. The reason
   * is for who writes down the end.
   */
  stop(graceSeconds: number, reason: StopReason): void;
  /** Sends a signal, such as `SIGINT`, to the whole group; false when it has no member any more. Throws `too-many-requests`. */
  signal(name: string): boolean;
  /** stdin, when it was asked to be open. */
  readonly input: ProcessInput | null;
  /** Somebody follows the job, for the first time: whoever takes it over is to know. */
  noteFollower?(): void;
  /** Gives its terminal another size; false when it has none, or has ended. Throws `too-many-requests`. */
  resize(size: TerminalSize): boolean;
}

/** stdin of a command. Writes are taken one after the other, in the order of the calls. */
export interface ProcessInput {
  /** Bytes that have been taken in all. */
  readonly bytes: number;
  readonly closed: boolean;
  /** Bytes that have been taken from that writer. The latest `inputWriters` are remembered; of others it is 0. */
  bytesFrom(writer: string): number;
  /**
   * Resolves when the command can take more; rejects with `stdin-closed` when it reads no more. `writer` names who
   * writes, where that is counted apart.
   */
  write(chunk: Uint8Array, writer?: string): Promise<void>;
  /** Ends it. Throws `too-many-requests`. */
  close(): void;
}

/** A process whose stdout is for the request that started it. */
export interface AttachedProcess extends SupervisedProcess {
  readonly output: AttachedOutput;
}

export type OutputStream = "stdout" | "stderr";

/** Takes what a job writes and keeps what is to be kept. Nothing here fails. */
export interface OutputSink {
  /** The next bytes of a stream; the chunk may be used again afterwards. */
  write(stream: OutputStream, chunk: Uint8Array): void;
  /** Not to be written to before this has resolved; null when more may come at once. */
  room?(): Promise<void> | null;
  /** What was kept, once all has come. */
  summary(): { readonly stdout: StreamSummary; readonly stderr: StreamSummary; readonly storedBytes: number };
}

/** Starts processes. Each start throws `ErrandError`: `start-failed` with the system's words, `invalid-spec`, or
 * `too-many-jobs` at the reserve of descriptors or processes; the command runs when it returns. */
export interface Supervisor {
  /** stdout is read by one request. */
  startAttached(id: bigint, spec: JobSpec, listener: ProcessListener): AttachedProcess;
  /** All output goes to the sink. */
  startSpooled(id: bigint, spec: JobSpec, listener: ProcessListener, sink: OutputSink): SupervisedProcess;
  /** Nobody will ask for it again; its pid. */
  startDetached(spec: JobSpec): number;
}

/** The files of one job, from before its start to its end. */
export interface JobFiles extends OutputSink {
  /** The command has been executed. */
  started(job: RunningJob): void;
  /** Calls back after each `write` that has kept something. */
  onWrite(callback: () => void): void;
  /** Writes down how it ended; what is on disk then is what the next server goes by. */
  ended(job: EndedJob): void;
  /** It never ran: nothing of it is left. */
  discard(): void;
}

/** The directory of a job that another process is to run. */
export interface PreparedFiles {
  readonly directory: string;
  /** Output beyond this is not kept, both streams together. */
  readonly keptBytes: number;
  /** It never ran: nothing of it is left. */
  discard(): void;
}

/** Where the output of jobs is kept. */
export interface Spool {
  /** Makes the directory of a job that a shim is to run. Resolves and throws as `create`. */
  prepare(job: StartingJob, spec: JobSpec): Promise<PreparedFiles>;
  /** The files of a job that a shim runs take so many bytes now; false when there is no room for more. */
  count(id: JobId, storedBytes: number): boolean;
  /** The same, and no more will come. */
  countLast(id: JobId, storedBytes: number): void;
  /** What the directory of a job whose shim has gone says. */
  inspect(id: JobId): Remains;
  /** Makes the job's directory; its spec is on the disk when this resolves. Throws `storage-full`. */
  create(job: StartingJob, spec: JobSpec): Promise<JobFiles>;
  /** Bytes of that stream that are there now; null when the job has no files. */
  size(id: JobId, stream: OutputStream): number | null;
  /** At most `length` bytes from the offset; fewer at the end. Throws when the files have gone. */
  read(id: JobId, stream: OutputStream, offset: number, length: number): Promise<Uint8Array>;
  /** Removes the job's files, and nothing else; what they took is free for others. */
  remove(id: JobId): void;
  /** Opens the order in which output came, for as long as somebody follows it; null when the job has no files. */
  follow(id: JobId): OutputReader | null;
}

/** Where a reader of both streams stands: so many bytes of each have been seen. */
export type OutputPosition = { readonly [stream in OutputStream]: number };

/** A piece of output, and whether the other stream comes after it. */
export interface OutputStretch {
  readonly stream: OutputStream;
  readonly bytes: number;
  /** False when more of it may still come. */
  readonly complete: boolean;
}

/** A job's kept output, in the order in which it came. */
export interface OutputReader {
  /** What comes at that position; null when there is nothing yet. Throws `invalid-parameter` for a position that never was. */
  at(position: OutputPosition): OutputStretch | null;
  /** At most `length` bytes of the stream; fewer at its end. The bytes are shared: they must not change. */
  read(stream: OutputStream, offset: number, length: number): Promise<Uint8Array>;
  /** Where the last so many bytes begin, of both streams together; with 0, the end of what there is now. */
  tail(bytes: number): OutputPosition;
  close(): void;
}

/** Which jobs a list shows: all conditions hold together. */
export interface JobQuery {
  readonly states?: readonly JobState[];
  readonly alias?: string;
  /** Has this label; with a value, exactly that. */
  readonly label?: { readonly name: string; readonly value: string | null };
  readonly node?: string;
  /** Milliseconds since 1970: created at or after. */
  readonly since?: number;
  /** Only jobs older than this one. */
  readonly before?: JobId;
  readonly count: number;
}

/** The record of jobs. Writes may be delayed; reads see them all the same. */
export interface JobHistory {
  /** Also notes, in the same step, the callbacks that the new state asks for. */
  put(job: Job): void;
  get(id: JobId): Job | undefined;
  /** Newest first. */
  list(query: JobQuery): Job[];
  /** Writes all that is pending. */
  flush(): void;
  /** Jobs whose time was over by then, oldest first. One with a callback that is still to be delivered is not told. */
  expired(wall: number, count: number): JobId[];
  /** When the next one expires (milliseconds since 1970); null when none will. */
  nextExpiry(): number | null;
  /** The oldest ended jobs that have files and no callback to be delivered. */
  oldestKept(count: number): JobId[];
  /** The oldest ended jobs, with files or without, none of them with a callback to be delivered. */
  oldestEnded(count: number): JobId[];
  /** Forgets these jobs and their callbacks, and gives back the room of their records. */
  forget(ids: readonly JobId[]): void;
}

/** Who holds an alias. */
export interface AliasClaims {
  /** Takes the alias; false when another job holds it. */
  claim(alias: string, id: JobId): boolean;
  /** Gives it back; false when that job did not hold it. */
  release(alias: string, id: JobId): boolean;
  /** The job that holds it now. */
  holder(alias: string): JobId | undefined;
}

/** Where the lives of jobs are told to people. */
export interface JobLog {
  /** A command has been executed. */
  started(job: Job): void;
  /** A job has ended or failed to start. */
  ended(job: Job): void;
}

/** Nonces of signatures that have been used, across restarts. */
export interface NonceRecord {
  /** Notes a nonce until that time (milliseconds since 1970); false when it is known already. On record when it returns. */
  take(nonce: string, until: number, now: number): boolean;
}

/** A start that may be sent again: who sent it, its key, and the digest of all that it says. */
export interface IdempotentStart {
  readonly owner: string;
  readonly key: string;
  readonly requestSha256: Uint8Array;
}

/** Which jobs idempotent starts belong to, across restarts. What is written is on record when the call returns. */
export interface IdempotencyRecord {
  find(owner: string, key: string): { readonly requestSha256: Uint8Array; readonly jobId: JobId } | null;
  /** Before the job is started. Throws `too-many-requests`. */
  reserve(start: IdempotentStart, jobId: JobId, now: number): void;
  /** Nothing was started: the key may be used again. */
  release(owner: string, key: string): void;
}

import type {
  DisconnectPolicy,
  Exit,
  JobEnd,
  JobSpec,
  OutputSummary,
  StartingJob,
  StopReason,
  TerminalSize,
} from "./job.ts";
import type { PreparedFiles, SupervisedProcess } from "./ports.ts";

/** What is known of a job's execution. */
export interface Execution {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of its terminal by now; null when nobody has changed it. */
  readonly terminalSize: TerminalSize | null;
  /** Somebody has followed it, while an earlier server lived. */
  readonly wasFollowed: boolean;
}

/** What the shim of a job tells: `started` first, unless it `vanished`; after `ended` or `vanished` nothing. */
export interface ShimListener {
  /** The command has been executed. */
  started(process: SupervisedProcess, execution: Execution): void;
  /** The job's files take so many bytes now; false when no more is to be kept. */
  wrote(storedBytes: number): boolean;
  /** It has begun to stop the tree for a reason of its own. */
  stopping(reason: StopReason): void;
  exited(exit: Exit): void;
  /** It has written down the end. */
  ended(end: JobEnd): void;
  /** It has gone without telling an end. Nothing of the tree is left. */
  vanished(): void;
  /** The command could not be executed; told of jobs of earlier servers alone. */
  refused(failure: string): void;
}

/** A job of an earlier server whose shim lives. */
export interface Survivor {
  readonly job: StartingJob;
  /** As its spec says. */
  readonly onDisconnect: DisconnectPolicy;
  /** Its execution (milliseconds since 1970); null when it is not known to have been executed. */
  readonly started: Remains["started"];
}

/** What is left of a job whose shim has gone. */
export interface Remains {
  /** Its execution (milliseconds since 1970); null when it is not known to have been executed. */
  readonly started: { readonly pid: number; readonly startedAt: number } | null;
  /** How it ended; null when that is not known. */
  readonly end: JobEnd | null;
  readonly output: OutputSummary;
}

/** Has jobs run by processes of their own, which go on when this one ends. */
export interface Shims {
  /**
   * Resolves when the command has been executed. Rejects as `Supervisor.startSpooled` throws, or with `internal` when
   * the shim has gone; then the listener has heard `vanished`.
   */
  start(
    job: StartingJob,
    launch: { readonly spec: JobSpec; readonly files: PreparedFiles },
    listener: ShimListener,
  ): Promise<void>;
}

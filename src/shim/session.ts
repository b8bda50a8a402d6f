import { rmSync } from "node:fs";
import { join } from "node:path";
import { ActiveJob } from "../core/activeJob.ts";
import { toErrandError } from "../core/errors.ts";
import type { EndedJob, Exit, JobSpec, OutputSummary, RunningJob, StartingJob } from "../core/job.ts";
import type { ProcessListener, Supervisor } from "../core/ports.ts";
import { controlSocketName } from "../spool/layout.ts";
import { asRefusal } from "../spool/refusal.ts";
import { noteFailure } from "../spool/shimRecord.ts";
import { WriterBytes } from "../supervisor/writerBytes.ts";
import { Connection, type ConnectionHandler } from "./connection.ts";
import { CountedFiles } from "./countedFiles.ts";
import type { InputState, ServerMessage, ShimMessage, ShimSetup, ShimSnapshot } from "./messages.ts";

interface SessionParts {
  readonly job: StartingJob;
  readonly spec: JobSpec;
  readonly directory: string;
  readonly keptBytes: number;
  readonly setup: ShimSetup;
  readonly supervisor: Pick<Supervisor, "startSpooled">;
  /** Tells the server, if there is one. */
  readonly report: (message: ShimMessage) => void;
  /** A server has come. */
  readonly accept: (connection: Connection) => ConnectionHandler;
  /** Nothing more will come of it. */
  readonly onOver: () => void;
}

const now = () => ({ wall: Date.now(), monotonic: Bun.nanoseconds() });

/** One job in the care of this process, from its execution to the record of its end. */
export class ShimSession {
  readonly #parts: SessionParts;
  readonly #active: ActiveJob;
  #files: CountedFiles | null = null;
  #unlisten: (() => void) | null = null;
  #inputTurn: Promise<void> = Promise.resolve();
  #inputBytes = 0;
  readonly #writers = new WriterBytes();
  #over = false;
  #followed = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#active = new ActiveJob(parts.job);
  }

  /** True when the end is written down, or the command could not be executed. */
  get over(): boolean {
    return this.#over;
  }

  /** Executes the command and reports that, or why it could not be. */
  start(): void {
    const { job, spec, directory, keptBytes, setup, supervisor, accept } = this.#parts;
    const socket = join(directory, controlSocketName);
    try {
      // Before the job is claimed: whoever finds it claimed can connect.
      this.#unlisten = Connection.listen(socket, accept);
      const files = new CountedFiles(
        { path: directory, keptBytes, limits: setup.limits, wall: Date.now, onError: () => {} },
        (storedBytes) => this.#tell({ type: "wrote", storedBytes }),
      );
      this.#files = files;
      const process = supervisor.startSpooled(BigInt(job.id), spec, this.#listener(files), files);
      this.#active.bind(process);
      const { pid } = process;
      const running = this.#active.apply({ type: "executed", at: now(), pid }) as RunningJob;
      files.started(running);
      this.#tell({ type: "started", pid, at: running.startedAt, hasInput: process.input !== null });
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** What is said of a job that is over would be taken for the next one's. */
  #tell(message: ShimMessage): void {
    if (!this.#over) this.#parts.report(message);
  }

  #refuse(error: unknown): void {
    const { code, message, retryAfterSeconds = null } = toErrandError(asRefusal(error));
    this.#files?.discard();
    try {
      noteFailure(this.#parts.directory, message);
    } catch {
      // A server that is there hears of it; for the next one the job is lost, which is no lie.
    }
    this.#close();
    this.#parts.report({ type: "refused", code, message, retryAfterSeconds });
    this.#parts.onOver();
  }

  #listener(files: CountedFiles): ProcessListener {
    const { spec, setup } = this.#parts;
    return {
      limitReached: (reason) => {
        this.#active.stop(reason, spec.stopGraceSeconds ?? setup.limits.stopGraceSeconds);
        this.#tell({ type: "stopping", reason });
      },
      exited: (exit: Exit) => {
        this.#active.apply({ type: "exited", exit });
        this.#tell({ type: "exited", exit });
      },
      finished: (output, detail) => this.#finished(files, output, detail),
    };
  }

  #finished(files: CountedFiles, output: OutputSummary, detail: string | null): void {
    const job = this.#active.apply({ type: "finished", at: now(), output, detail }) as EndedJob;
    files.ended(job);
    this.#close();
    const { startedAt, endedAt, durationNanoseconds, pid, outcome } = job;
    const end = { startedAt, endedAt, durationNanoseconds, pid, outcome, output };
    this.#parts.report({ type: "ended", end });
    this.#parts.onOver();
  }

  /** Nobody can come any more. */
  #close(): void {
    this.#over = true;
    this.#unlisten?.();
    rmSync(join(this.#parts.directory, controlSocketName), { force: true });
  }

  /** Carries out what a server asks of a running job. */
  handle(message: ServerMessage): void {
    const { process } = this.#active;
    switch (message.type) {
      case "signal":
        process?.signal(message.name);
        return;
      case "stop":
        this.#active.stop(message.reason, message.graceSeconds);
        return;
      case "resize":
        this.#active.resize(message.size);
        return;
      case "closeInput":
        this.#inTurn(async () => process?.input?.close());
        return;
      case "followed":
        this.#followed = true;
        return;
      case "counted":
        this.#files?.counted(message.storedBytes, message.full);
        return;
      case "welcome":
      case "run":
      case "settled":
        return;
    }
  }

  /** Writes to the command's stdin, after what has come before. An empty name is nobody's in particular. */
  write(writer: string, bytes: Uint8Array): void {
    // Counted now: a server that comes while this waits for the command is not to send it again.
    this.#countInput(writer, bytes.byteLength);
    this.#inTurn(async () => {
      try {
        await this.#active.process?.input?.write(bytes);
      } catch {
        // The state tells that it is closed.
        this.#countInput(writer, -bytes.byteLength);
      }
    });
  }

  #countInput(writer: string, bytes: number): void {
    this.#inputBytes += bytes;
    if (writer !== "") this.#writers.add(writer, bytes);
  }

  #inTurn(action: () => Promise<void>): void {
    this.#inputTurn = this.#inputTurn.then(action).then(() => {
      const input = this.#inputState();
      if (input !== null) this.#tell({ type: "taken", input });
    });
  }

  #inputState(): InputState | null {
    const input = this.#active.process?.input ?? null;
    return input === null
      ? null
      : { bytes: this.#inputBytes, closed: input.closed, writers: this.#writers.entries() };
  }

  /** A server has come, or gone. */
  set hasServer(value: boolean) {
    if (this.#files !== null) this.#files.hasServer = value;
  }

  /** How the job stands. */
  snapshot(): ShimSnapshot {
    const { job } = this.#active;
    const running = job.state === "running" ? job : null;
    return {
      jobId: job.id,
      started: running === null ? null : { pid: running.pid, at: running.startedAt },
      stop: running?.stop ?? null,
      exit: running?.exit ?? null,
      terminalSize: this.#active.terminalSize,
      input: this.#inputState(),
      storedBytes: this.#files?.storedBytes ?? 0,
      followed: this.#followed,
    };
  }
}

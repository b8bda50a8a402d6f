import { ErrandError, type ErrorCode, errorTable } from "../core/errors.ts";
import type { JobEnd, StopReason, TerminalSize } from "../core/job.ts";
import type { SupervisedProcess } from "../core/ports.ts";
import type { Execution, ShimListener } from "../core/shimPorts.ts";
import type { Connection, ConnectionHandler } from "./connection.ts";
import { type Frame, messageFrame } from "./frames.ts";
import {
  type InputState,
  type ServerMessage,
  type ShimMessage,
  type ShimSnapshot,
  shimProtocolVersion,
} from "./messages.ts";
import { RemoteInput } from "./remoteInput.ts";

/** So much may be written before the shim is told that it has been counted. */
const countEveryBytes = 64 * 1024;

const noInput: InputState = { bytes: 0, closed: false, writers: [] };

interface LinkParts {
  readonly hasTerminal: boolean;
  readonly listener: ShimListener;
  /** The command could not be executed. */
  readonly onRefused: (error: ErrandError) => void;
  readonly onStarted: () => void;
  /** The shim has nothing to do with this job any more. */
  readonly onEnded: () => void;
  /** The connection has gone before that. */
  readonly onLost: () => void;
}

/** The server's side of one surviving job: tells the listener what the shim tells, over one connection after the other. */
export class ShimLink implements SupervisedProcess {
  readonly #parts: LinkParts;
  #connection: Connection | null = null;
  #pid = -1;
  #input: RemoteInput | null = null;
  #stop: StopReason | null = null;
  #exited = false;
  #over = false;
  /** The shim is another job's, or nobody's. */
  #released = false;
  #countedBytes = 0;
  #failures = 0;
  #lastStop: Extract<ServerMessage, { type: "stop" }> | null = null;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  get pid(): number {
    return this.#pid;
  }

  get input(): RemoteInput | null {
    return this.#input;
  }

  stop(graceSeconds: number, reason: StopReason): void {
    this.#stop ??= reason;
    this.#lastStop = { type: "stop", graceSeconds, reason };
    this.#send(this.#lastStop);
  }

  signal(name: string): boolean {
    if (this.#exited) return false;
    this.#ask({ type: "signal", name });
    return true;
  }

  noteFollower(): void {
    this.#send({ type: "followed" });
  }

  resize(size: TerminalSize): boolean {
    if (this.#exited || !this.#parts.hasTerminal) return false;
    this.#ask({ type: "resize", size });
    return true;
  }

  /** Sends what a client may ask for as often as it likes. Throws `too-many-requests`. */
  #ask(message: ServerMessage): void {
    if (this.#connection?.full === true)
      throw new ErrandError("too-many-requests", "the job's shim leaves unread what it was asked before", 1);
    this.#send(message);
  }

  #send(message: ServerMessage): void {
    if (!this.#released) this.#connection?.send(messageFrame(message));
  }

  /** Speaks over this connection from now on. */
  connect(connection: Connection): ConnectionHandler {
    this.#connection = connection;
    return {
      onFrame: (frame) => this.#receive(frame),
      onClose: () => {
        this.#connection = null;
        if (this.#over) return;
        this.#failures += 1;
        this.#parts.onLost();
      },
    };
  }

  /** Connections that were lost since the shim has last told how the job stands. */
  get failures(): number {
    return this.#failures;
  }

  /** The shim may take another job, or end. */
  settle(): void {
    this.#send({ type: "settled" });
    this.#released = true;
    this.#parts.onEnded();
  }

  /** Speaks no more. */
  disconnect(): void {
    this.#connection?.close();
  }

  /** The shim has gone, and nothing is known of an execution. */
  neverStarted(failure: string): void {
    if (this.#pid >= 0) {
      this.vanished();
      return;
    }
    this.#over = true;
    this.#parts.onRefused(new ErrandError("internal", failure));
  }

  /** Nobody is there any more: the end is what the job's directory says. */
  vanished(): void {
    this.#over = true;
    this.#input?.end();
    this.#parts.listener.vanished();
  }

  #receive(frame: Frame): void {
    if (frame.kind !== "message" || this.#over) return;
    const message = frame.message as ShimMessage;
    switch (message.type) {
      case "hello":
        this.#greet(message);
        return;
      case "started":
        this.#failures = 0;
        this.#started(message, message.hasInput ? noInput : null, { terminalSize: null, wasFollowed: false });
        return;
      case "refused":
        this.#over = true;
        this.#parts.onRefused(refusal(message));
        return;
      case "wrote":
        this.#wrote(message.storedBytes);
        return;
      case "taken":
        this.#input?.update(message.input);
        return;
      case "stopping":
        this.#stopping(message.reason);
        return;
      case "exited":
        this.#hasExited(message.exit);
        return;
      case "ended":
        this.#ended(message.end);
        return;
    }
  }

  /** Of a shim that has run the job before this connection was there. */
  #greet({ version, job }: Extract<ShimMessage, { type: "hello" }>): void {
    if (version !== shimProtocolVersion || job === null) {
      this.#connection?.close();
      return;
    }
    this.#send({ type: "welcome", version: shimProtocolVersion, setup: null });
    this.#catchUp(job);
  }

  #catchUp({ started, stop, exit, terminalSize, followed, input, storedBytes }: ShimSnapshot): void {
    this.#failures = 0;
    if (started === null) return;
    this.#started(started, input, { terminalSize, wasFollowed: followed });
    if (input !== null) this.#input?.reconnected(input);
    if (stop !== null) this.#stopping(stop);
    // It was asked for while nobody heard.
    else if (this.#lastStop !== null) this.#send(this.#lastStop);
    if (exit !== null) this.#hasExited(exit);
    this.#wrote(storedBytes);
  }

  #started(
    { pid, at }: NonNullable<ShimSnapshot["started"]>,
    input: InputState | null,
    state: Omit<Execution, "startedAt">,
  ): void {
    if (this.#pid >= 0) return;
    this.#pid = pid;
    if (input !== null)
      this.#input = new RemoteInput({
        state: input,
        send: (frame) => {
          if (!this.#released) this.#connection?.send(frame);
        },
        askToClose: () => this.#ask({ type: "closeInput" }),
        staysOpen: this.#parts.hasTerminal,
      });
    this.#parts.listener.started(this, { startedAt: at, ...state });
    this.#parts.onStarted();
  }

  #wrote(storedBytes: number): void {
    const full = !this.#parts.listener.wrote(storedBytes);
    if (!full && storedBytes - this.#countedBytes < countEveryBytes) return;
    this.#countedBytes = storedBytes;
    this.#send({ type: "counted", storedBytes, full });
  }

  #stopping(reason: StopReason): void {
    if (this.#stop !== null) return;
    this.#stop = reason;
    this.#parts.listener.stopping(reason);
  }

  #hasExited(exit: Parameters<ShimListener["exited"]>[0]): void {
    if (this.#exited) return;
    this.#exited = true;
    this.#input?.end();
    this.#parts.listener.exited(exit);
  }

  #ended(end: JobEnd): void {
    this.#over = true;
    this.#input?.end();
    this.#parts.listener.ended(end);
    this.settle();
  }
}

function refusal({
  code,
  message,
  retryAfterSeconds,
}: Extract<ShimMessage, { type: "refused" }>): ErrandError {
  const known = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "internal";
  return new ErrandError(known, message, retryAfterSeconds ?? undefined);
}

import { AttachConnection, type AttachQuery, attachError, refusalOf } from "./attachConnection.ts";
import type { AttachFrame } from "./attachFrames.ts";
import { AttachInput } from "./attachInput.ts";
import { AttachOutput } from "./attachOutput.ts";
import { AttachPlace } from "./attachPlace.ts";
import type { AttachEvent, TerminalSize } from "./attachTypes.ts";
import { throwIfCancelled } from "./cancel.ts";
import { Cutter } from "./cutter.ts";
import { ConnectionError, ErrandError, StreamCut } from "./errors.ts";
import type { StreamName } from "./eventTypes.ts";
import { isOver, type JobRecord, type Outcome } from "./jobTypes.ts";
import type { AttachOptions } from "./options.ts";
import { readJob, readOutcome } from "./readJob.ts";
import { TerminalQueryFilter } from "./terminalQueries.ts";
import type { Transport } from "./transport.ts";

/** Messages to the server that wait for a connection; the oldest one goes for a new one. */
const mostWaitingSignals = 16;

/** A job that is attached to, over cuts of the connection. */
export class AttachSession {
  readonly outputs: Readonly<Record<StreamName, AttachOutput>> = {
    stdout: new AttachOutput(),
    stderr: new AttachOutput(),
  };
  readonly input = new AttachInput(() => this.#job?.tty === null);
  readonly place: AttachPlace;
  readonly #transport: Transport;
  readonly #options: AttachOptions;
  readonly #jobId: string;
  readonly #stop: Cutter;
  readonly #filter = new TerminalQueryFilter();
  #connection: AttachConnection | null = null;
  #job: JobRecord | null = null;
  #attacher: string | null;
  /** The server has sent a cursor: from here on a cut is resumed there. Before it a picture of the screen is asked for anew. */
  #hasPlace = false;
  #isLive = false;
  #wasLive = false;
  #hasLeft = false;
  #size: TerminalSize | null;
  readonly #signals: string[] = [];

  constructor(transport: Transport, jobId: string, options: AttachOptions) {
    this.#transport = transport;
    this.#jobId = jobId;
    this.#options = options;
    this.#stop = new Cutter(options.signal);
    this.#size = options.size ?? null;
    this.#attacher = options.attacher ?? null;
    this.place = new AttachPlace(options.cursor);
    if (options.readOnly) this.input.fail(attachError("forbidden", "this attachment looks on"));
  }

  get job(): JobRecord | null {
    return this.#job;
  }

  get attacher(): string | null {
    return this.#attacher;
  }

  /** The first connection. Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      this.#stop.end();
      throw error;
    }
  }

  /** Hands everything on until the job has ended. Null when the client has left; throws as `attach` says. */
  async run(): Promise<Outcome | null> {
    try {
      const outcome = await this.#followAll();
      for (const output of Object.values(this.outputs)) output.end();
      this.#endInput();
      return outcome;
    } catch (error) {
      for (const output of Object.values(this.outputs)) output.end(error);
      this.input.fail(error);
      throw error;
    } finally {
      this.#stop.end();
    }
  }

  /** Goes away; the job runs on. */
  leave(): void {
    this.#hasLeft = true;
    for (const output of Object.values(this.outputs)) output.end();
    this.#connection?.close();
    this.#stop.end();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#connection?.tell({ type: "resize", ...size });
  }

  signal(name: string): void {
    if (this.#connection === null) this.#signals.push(name);
    else this.#connection.tell({ type: "signal", signal: name });
    if (this.#signals.length > mostWaitingSignals) this.#signals.shift();
  }

  async #followAll(): Promise<Outcome | null> {
    const reconnect = this.#transport.reconnect(this.#stop.signal);
    for (;;) {
      let failure: unknown;
      try {
        const connection = this.#connection ?? (await this.#connect());
        reconnect.connected();
        return await this.#follow(connection);
      } catch (error) {
        failure = error;
      }
      const hadConnection = this.#connection !== null;
      this.#disconnected();
      if (this.#hasLeft) return null;
      throwIfCancelled(this.#options.signal);
      if (hadConnection) this.#tell({ type: "cut" });
      try {
        await reconnect.pause(failure);
      } catch (error) {
        if (this.#hasLeft) return null;
        throw this.#cutBy(error);
      }
    }
  }

  async #connect(): Promise<AttachConnection> {
    const { readOnly = false, replay = "all" } = this.#options;
    const isResumed = this.#job !== null && this.#hasPlace;
    if (!isResumed) this.place.forget();
    const query: AttachQuery = {
      ...{ jobId: this.#jobId, readOnly, replay, signal: this.#stop.signal },
      ...{ cursor: this.place.cursor, attacher: this.#attacher },
      hasUntaken: () => this.input.hasUntaken,
    };
    const connection = await AttachConnection.open(this.#transport, query);
    const { job, attacher, cursor } = connection.started;
    const isFirst = this.#job === null;
    this.#job = job;
    this.#attacher = attacher;
    this.place.begin();
    // A picture has no place until it is whole; the last output of a job with pipes is no picture.
    const isPicture = replay === "screen" && job.tty !== null;
    if (!isPicture && !this.#hasPlace && cursor !== null) this.#reach(cursor);
    this.#isLive = false;
    this.#connection = connection;
    if (!readOnly) this.#resumeInput(connection);
    if (!isFirst) this.#tell({ type: "resumed" });
    return connection;
  }

  #resumeInput(connection: AttachConnection): void {
    if (isOver(connection.started.job)) {
      this.#endInput();
      return;
    }
    this.input.connected((frame) => connection.send(frame), connection.started);
    if (this.#size !== null && this.#job?.tty) connection.tell({ type: "resize", ...this.#size });
    for (const signal of this.#signals.splice(0)) connection.tell({ type: "signal", signal });
  }

  #endInput(): void {
    this.input.fail(attachError("stdin-closed", "the command reads no more"));
  }

  #disconnected(): void {
    this.#connection?.close();
    this.#connection = null;
    this.input.disconnected();
  }

  async #follow(connection: AttachConnection): Promise<Outcome | null> {
    for await (const frame of connection.frames()) {
      if (frame.type === "stdout" || frame.type === "stderr") await this.#output(frame.type, frame.bytes);
      else if (frame.type === "control") {
        if (frame.fields.type === "ended") return this.#ended(frame.fields);
        await this.#control(frame.fields);
      }
      if (this.#hasLeft) return null;
      throwIfCancelled(this.#options.signal);
    }
    return null;
  }

  #ended({ job, outcome }: Readonly<Record<string, unknown>>): Outcome | null {
    this.#job = readJob(job) ?? this.#job;
    return readOutcome(outcome);
  }

  async #output(stream: StreamName, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const fresh = bytes.subarray(this.place.take(stream, bytes.byteLength));
    await this.outputs[stream].push(stream === "stdout" ? this.#filtered(fresh) : fresh);
  }

  /** What the terminal would answer to is taken out of what it is shown late. */
  #filtered(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { dropQueries = "never" } = this.#options;
    if (dropQueries === "never") return bytes;
    const isLate = !this.#isLive && (dropQueries === "replayed" || this.#wasLive);
    return isLate ? this.#filter.drop(bytes) : this.#filter.pass(bytes);
  }

  async #control(fields: Extract<AttachFrame, { type: "control" }>["fields"]): Promise<void> {
    switch (fields.type) {
      case "cursor":
        if (typeof fields.cursor === "string") this.#reach(fields.cursor);
        return;
      case "ack":
        if (typeof fields.stdinOffset === "number") this.input.taken(fields.stdinOffset);
        return;
      case "live":
        this.#isLive = true;
        this.#wasLive = true;
        await this.outputs.stdout.push(this.#filter.pass(new Uint8Array()));
        return this.#tell({ type: "live" });
      case "resize":
        return this.#tell({ type: "resize", cols: Number(fields.cols), rows: Number(fields.rows) });
      case "gap":
        return this.#gap(fields);
      case "error":
        return this.#refused(fields);
    }
  }

  #reach(cursor: string): void {
    this.#hasPlace = true;
    this.place.reach(cursor);
  }

  #gap({ stream, from, to, cursor }: Readonly<Record<string, unknown>>): void {
    if ((stream !== "stdout" && stream !== "stderr") || typeof from !== "number" || typeof to !== "number")
      return;
    const known = this.place.take(stream, to - from);
    if (typeof cursor === "string") this.#reach(cursor);
    if (from + known < to) this.#tell({ type: "gap", stream, from: from + known, to });
  }

  /** An input that is closed concerns the input alone. What ends the connection is told by its end. */
  #refused(fields: Readonly<Record<string, unknown>>): void {
    const error = refusalOf(fields);
    if (error.code === "stdin-closed") this.input.fail(error);
    this.#tell({ type: "error", code: error.code, detail: error.detail });
  }

  #tell(event: AttachEvent): void {
    this.#options.onEvent?.(event);
  }

  #cutBy(error: unknown): unknown {
    if (!(error instanceof ConnectionError || error instanceof ErrandError)) return error;
    const message = `the connection to job ${this.#jobId} was cut and cannot be resumed: ${error.message}`;
    const received = { cursor: this.place.cursor, stdoutOffset: 0, stderrOffset: 0 };
    return new StreamCut(message, { jobId: this.#jobId, received, cause: error });
  }
}

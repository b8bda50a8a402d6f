import { type Attachment, attachJob } from "./attach.ts";
import type { TerminalSize } from "./attachTypes.ts";
import type { Captured } from "./captured.ts";
import { jobEvents, jobPath } from "./eventStream.ts";
import type { JobEvent, StreamName } from "./eventTypes.ts";
import type { JobRecord } from "./jobTypes.ts";
import type {
  AttachOptions,
  CallOptions,
  EventsOptions,
  OutputOptions,
  StdinOptions,
  StopOptions,
  WaitOptions,
} from "./options.ts";
import { outputStream } from "./outputStream.ts";
import { jobOf } from "./readJob.ts";
import { stdinStream } from "./stdinStream.ts";
import type { Call, Opened, Transport } from "./transport.ts";
import { waitForEnd } from "./waitForEnd.ts";

/** What the start of a job has given beside its id. */
export interface Begin {
  readonly record?: JobRecord | undefined;
  readonly captured?: Captured | null | undefined;
  readonly opened?: Opened | undefined;
}

/** One job on one server. Calls throw `ErrandError`, `ConnectionError` and `Cancelled`. */
export class Job {
  readonly id: string;
  /** The output of a job that was started with `wait` and has ended within it; else null. */
  readonly captured: Captured | null;
  readonly #transport: Transport;
  #record: JobRecord | null;
  #opened: Opened | null;

  /** Made by `errand.start` and `errand.job`. */
  constructor(transport: Transport, id: string, { record, captured, opened }: Begin = {}) {
    this.#transport = transport;
    this.id = id;
    this.captured = captured ?? null;
    this.#record = record ?? null;
    this.#opened = opened ?? null;
  }

  /** What is known of it from the last call or event; null when there was none. */
  get record(): JobRecord | null {
    return this.#record;
  }

  /** Asks for the record. */
  get({ signal }: CallOptions = {}): Promise<JobRecord> {
    return this.#ask({ path: this.#path(), signal, repeatable: true });
  }

  /**
   * All that happens, from the begin or from a cursor on, over cuts of the connection, to `ended`. Throws `StreamCut` when it
   * was cut and cannot be resumed. Who leaves the loop closes the connection.
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    const opened = options.cursor === undefined ? this.#opened : null;
    if (opened !== null) {
      this.#opened = null;
      opened.cutter.listenTo(options.signal);
    }
    for await (const event of jobEvents({ transport: this.#transport, jobId: this.id, opened }, options)) {
      if (event.type === "started" || event.type === "ended") this.#record = event.job;
      yield event;
    }
  }

  /** stdout byte for byte, over cuts of the connection. Fails with `StreamCut` when it cannot be resumed. */
  stdout(options: OutputOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#output("stdout", options);
  }

  /** The same of stderr. */
  stderr(options: OutputOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#output("stderr", options);
  }

  /** Waits for the end, or for `seconds`: `isOver` tells which of them it was. The job runs on. */
  async wait(options: WaitOptions = {}): Promise<JobRecord> {
    this.#record = await waitForEnd(this.#transport, this.#path(), options);
    return this.#record;
  }

  /** Stops the whole tree; the record comes when it is gone. */
  stop({ graceSeconds, signal }: StopOptions = {}): Promise<JobRecord> {
    const path = this.#path("/stop");
    // To stop what has stopped does no harm.
    return this.#ask({
      ...{ method: "POST", path, body: { graceSeconds }, signal },
      ...{ repeatable: true, answerSeconds: null },
    });
  }

  /** Sends a signal, such as `SIGINT`, to the whole group. */
  signal(name: string, { signal }: CallOptions = {}): Promise<JobRecord> {
    return this.#ask({ method: "POST", path: this.#path("/signal"), body: { signal: name }, signal });
  }

  /**
   * Writes what the command reads; its spec says `stdin: "open"`. Closing ends its input. What a cut has swallowed is sent
   * again. A write may be told late that it failed, as with `stdin-closed` when the command has ended; `close()` tells.
   */
  stdin(options: StdinOptions = {}): WritableStream<Uint8Array | string> {
    return stdinStream(this.#transport, this.#path("/stdin"), options);
  }

  /** Input and output as live streams over one connection, which is made anew after a cut. Nothing is written twice. */
  attach(options: AttachOptions = {}): Promise<Attachment> {
    return attachJob(this.#transport, this.id, options);
  }

  /** Gives the job's terminal another size. */
  resize({ cols, rows }: TerminalSize, { signal }: CallOptions = {}): Promise<JobRecord> {
    const path = this.#path("/resize");
    return this.#ask({ method: "POST", path, body: { cols, rows }, signal, repeatable: true });
  }

  /** Forgets an ended job and its output. */
  async delete({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: this.#path(), signal });
  }

  /** Tells the job's callbacks again. */
  resendCallback({ signal }: CallOptions = {}): Promise<JobRecord> {
    return this.#ask({ method: "POST", path: this.#path("/callback/resend"), signal });
  }

  /** Closes the stream that the start of an attached job has opened, when `events()` does not read it. */
  disconnect(): void {
    this.#opened?.cutter.end();
    this.#opened = null;
  }

  #path(rest = ""): string {
    return jobPath(this.id) + rest;
  }

  async #ask(call: Call): Promise<JobRecord> {
    this.#record = jobOf(await this.#transport.json(call));
    return this.#record;
  }

  #output(stream: StreamName, options: OutputOptions) {
    return outputStream({ transport: this.#transport, jobId: this.id, stream }, options);
  }
}

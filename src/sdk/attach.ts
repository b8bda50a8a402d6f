import { AttachSession } from "./attachSession.ts";
import type { TerminalSize } from "./attachTypes.ts";
import { ConnectionError } from "./errors.ts";
import type { JobRecord, Outcome } from "./jobTypes.ts";
import type { AttachOptions } from "./options.ts";
import type { Transport } from "./transport.ts";

/** A job's input and output as streams, live, over cuts of the connection. Made by `job.attach()`. */
export class Attachment {
  /** The outputs; a terminal has stdout alone. One that is not read holds back the other, and stdin: read both, or cancel one. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What the command reads. A write resolves while there is room; `close()` when the server has taken all of it. */
  readonly stdin: WritableStream<Uint8Array | string>;
  /**
   * How the job ended; null when it never ran, or `detach()` was called. Rejects with `StreamCut` when the connection was lost
   * for good, which is no success, and with `Cancelled`.
   */
  readonly ended: Promise<Outcome | null>;
  readonly #session: AttachSession;

  constructor(session: AttachSession) {
    this.#session = session;
    this.stdout = session.outputs.stdout.stream;
    this.stderr = session.outputs.stderr.stream;
    this.stdin = session.input.stream;
    this.ended = session.run();
    // Some look at the streams alone, which fail as well.
    this.ended.catch(() => undefined);
  }

  /** The job as it was when the last connection began, or at its end. */
  get job(): JobRecord {
    return known(this.#session.job);
  }

  /** The name under which the server counts what this client writes. */
  get attacher(): string {
    return known(this.#session.attacher);
  }

  /** Where another attachment would go on after what has come so far. */
  get cursor(): string | null {
    return this.#session.place.cursor;
  }

  /** Gives the job's terminal another size. After a cut it is told again. */
  resize(size: TerminalSize): void {
    this.#session.resize(size);
  }

  /** Sends a signal, such as `SIGINT`. A cut may swallow it: `job.signal()` tells whether it was sent. */
  signal(name: string): void {
    this.#session.signal(name);
  }

  /** Goes away and leaves the job alone. The streams end. */
  detach(): void {
    this.#session.leave();
  }
}

/** Attaches to a job. Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
export async function attachJob(
  transport: Transport,
  jobId: string,
  options: AttachOptions,
): Promise<Attachment> {
  const session = new AttachSession(transport, jobId, options);
  await session.open();
  return new Attachment(session);
}

function known<Value>(value: Value | null): Value {
  if (value === null) throw new ConnectionError("there was no connection yet");
  return value;
}

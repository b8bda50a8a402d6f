import { type AttachFrame, attachProtocol, controlFrame, readFrame } from "./attachFrames.ts";
import { ConnectionError, ErrandError } from "./errors.ts";
import { jobPath } from "./eventStream.ts";
import type { FrameSocket } from "./frameSocket.ts";
import type { JobRecord } from "./jobTypes.ts";
import { readJob } from "./readJob.ts";
import type { Transport } from "./transport.ts";

/** Another connection with this attacher's name has come: there is nothing to resume. */
const takenOverCode = 4_001;
/** From the upgrade to the first message. */
const startSeconds = 30;

/** What a connection is opened with. */
export interface AttachQuery {
  readonly jobId: string;
  readonly cursor: string | null;
  readonly attacher: string | null;
  readonly readOnly: boolean;
  readonly replay: "all" | "screen" | "none";
  readonly signal: AbortSignal;
}

/** What the server has said first. */
interface Started {
  readonly job: JobRecord;
  readonly cursor: string | null;
  readonly attacher: string;
  readonly stdinOffset: number;
}

/** One connection to one job. */
export class AttachConnection {
  readonly started: Started;
  readonly #socket: FrameSocket;
  readonly #silenceSeconds: number;

  private constructor(socket: FrameSocket, started: Started, silenceSeconds: number) {
    this.#socket = socket;
    this.started = started;
    this.#silenceSeconds = silenceSeconds;
  }

  /** Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
  static async open(transport: Transport, query: AttachQuery): Promise<AttachConnection> {
    const path = `${jobPath(query.jobId)}/attach${queryOf(query)}`;
    const socket = await transport.openSocket({ path, protocol: attachProtocol, signal: query.signal });
    try {
      const frame = await nextFrame(socket, startSeconds);
      const started = frame?.type === "control" ? readStarted(frame.fields) : null;
      if (started !== null) return new AttachConnection(socket, started, transport.silenceSeconds);
      if (frame?.type === "control" && frame.fields.type === "error") throw refusalOf(frame.fields);
      throw endOf(socket, null);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  tell(fields: Readonly<Record<string, unknown>>): void {
    this.send(controlFrame(fields));
  }

  /** Everything up to the end of the connection, which is told by an error. Throws `ConnectionError`, `ErrandError`. */
  async *frames(): AsyncGenerator<AttachFrame, never, undefined> {
    let refusal: ErrandError | null = null;
    try {
      for (;;) {
        const frame = await nextFrame(this.#socket, this.#silenceSeconds);
        if (frame === null) throw endOf(this.#socket, refusal);
        if (frame.type === "control" && frame.fields.type === "error") refusal = refusalOf(frame.fields);
        yield frame;
      }
    } finally {
      this.#socket.close();
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function queryOf({ cursor, attacher, readOnly, replay }: AttachQuery): string {
  const query = new URLSearchParams();
  if (cursor !== null) query.set("cursor", cursor);
  if (attacher !== null) query.set("attacher", attacher);
  if (readOnly) query.set("readOnly", "true");
  if (replay !== "all" && cursor === null) query.set("replay", replay);
  return query.size === 0 ? "" : `?${query}`;
}

/** The next frame; null when the connection is over. A silent one is ended here. */
async function nextFrame(socket: FrameSocket, silenceSeconds: number): Promise<AttachFrame | null> {
  const timer = setTimeout(() => socket.destroy(), silenceSeconds * 1_000);
  try {
    const message = await socket.next();
    return message && readFrame(message);
  } finally {
    clearTimeout(timer);
  }
}

/** The error of a connection that is over. */
function endOf({ closing }: FrameSocket, refusal: ErrandError | null): Error {
  if (closing?.code === takenOverCode)
    return refusal ?? attachError("taken-over", "another connection with the same attacher has taken over");
  if (refusal !== null && closing !== null) return refusal;
  const words = closing === null ? "" : ` (${closing.code}${closing.reason && `: ${closing.reason}`})`;
  return new ConnectionError(`the connection ended before the job${words}`);
}

function readStarted({ type, job, cursor, attacher, stdinOffset }: Readonly<Record<string, unknown>>) {
  const record = readJob(job);
  if (type !== "started" || record === undefined || typeof attacher !== "string") return null;
  return {
    ...{ job: record, attacher },
    cursor: typeof cursor === "string" ? cursor : null,
    stdinOffset: typeof stdinOffset === "number" ? stdinOffset : 0,
  };
}

/** What an `error` message says. */
export function refusalOf({ code, detail }: Readonly<Record<string, unknown>>): ErrandError {
  return attachError(String(code ?? "unknown"), String(detail ?? "the server does not say why"));
}

/** An error within a connection, which has no status of HTTP: 409, as for what the job's state does not allow. */
export function attachError(code: string, detail: string): ErrandError {
  return new ErrandError({ code, detail, status: 409, field: null, retryAfterSeconds: null });
}

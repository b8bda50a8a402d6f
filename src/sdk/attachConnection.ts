import { type AttachFrame, attachProtocol, controlFrame, readFrame } from "./attachFrames.ts";
import { ConnectionError, ErrandError } from "./errors.ts";
import { jobPath } from "./eventStream.ts";
import type { FrameSocket } from "./frameSocket.ts";
import type { JobRecord } from "./jobTypes.ts";
import { readJob } from "./readJob.ts";
import type { Call, Transport } from "./transport.ts";

/** Ends that are final: a frame that was not allowed, another connection of this attacher, input that is missing. */
const takenOverCode = 4_001;
const finalCodes: ReadonlySet<number> = new Set([1_002, 1_003, 1_007, 1_009, takenOverCode, 4_002]);

/** What a connection is opened with. */
export interface AttachQuery {
  readonly jobId: string;
  readonly cursor: string | null;
  readonly attacher: string | null;
  readonly readOnly: boolean;
  readonly replay: "all" | "screen" | "none";
  readonly signal: AbortSignal;
  /** True while the server has not yet taken what was written. */
  readonly hasUntaken: () => boolean;
}

/** When input waits to be taken, this part of the longest silence is enough to tell that a connection is dead. */
const untakenSilence = 1 / 4;

/** What the server has said first. */
interface Started {
  readonly job: JobRecord;
  readonly cursor: string | null;
  readonly attacher: string;
  readonly stdinOffset: number;
  /** So much may be on its way without being taken. */
  readonly stdinWindowBytes: number | null;
}

/** One connection to one job. */
export class AttachConnection {
  readonly started: Started;
  readonly #socket: FrameSocket;
  readonly #patience: Patience;
  /** What came first, when that was the end. */
  #first: AttachFrame | null;

  private constructor(
    socket: FrameSocket,
    { started, first, patience }: First & { readonly patience: Patience },
  ) {
    this.#socket = socket;
    this.started = started;
    this.#first = first;
    this.#patience = patience;
  }

  /** Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
  static async open(transport: Transport, query: AttachQuery): Promise<AttachConnection> {
    const path = `${jobPath(query.jobId)}/attach${queryOf(query)}`;
    const { signal } = query;
    const call = { path, protocol: attachProtocol, signal };
    const socket = await transport.openSocket(call).catch(async (error: unknown) => {
      // A platform's WebSocket does not tell why it was refused; a request does.
      if (error instanceof ConnectionError) await refusedBy(transport, call);
      throw error;
    });
    const patience = { silenceSeconds: transport.silenceSeconds, hasUntaken: query.hasUntaken };
    try {
      const first = await firstOf(socket, patience);
      return new AttachConnection(socket, { ...first, patience });
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
        const frame = this.#first ?? (await nextFrame(this.#socket, this.#patience));
        this.#first = null;
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

/** Throws the `ErrandError` with which the same call is refused; without a WebSocket it is refused in any case. */
async function refusedBy(
  transport: Transport,
  { path, signal }: Pick<Call, "path" | "signal">,
): Promise<void> {
  await transport.json({ path, signal }).catch((error: unknown) => {
    if (error instanceof ErrandError && error.code !== "upgrade-required") throw error;
  });
}

interface First {
  readonly started: Started;
  readonly first: AttachFrame | null;
}

/** What the server says first. A job in a queue is started late; one that never was has an end alone. */
async function firstOf(socket: FrameSocket, patience: Patience): Promise<First> {
  for (;;) {
    const frame = await nextFrame(socket, patience);
    if (frame === null) throw endOf(socket, null);
    const fields = frame.type === "control" ? frame.fields : {};
    const started = readStarted(fields);
    if (started !== null) return { started, first: fields.type === "ended" ? frame : null };
    // Signs of life, and what newer servers say.
    if (frame.type !== "control" && frame.type !== "unknown")
      throw new ConnectionError("the connection does not begin as one of Errand");
  }
}

/** How long nothing may come. */
interface Patience {
  readonly silenceSeconds: number;
  readonly hasUntaken: () => boolean;
}

/** The next frame; null when the connection is over. A silent one is ended here. */
async function nextFrame(
  socket: FrameSocket,
  { silenceSeconds, hasUntaken }: Patience,
): Promise<AttachFrame | null> {
  const since = performance.now();
  const shortMilliseconds = silenceSeconds * untakenSilence * 1_000;
  const timer = setInterval(() => {
    const milliseconds = performance.now() - since;
    const most = hasUntaken() ? shortMilliseconds : silenceSeconds * 1_000;
    if (milliseconds >= most) socket.destroy();
  }, shortMilliseconds / 4);
  try {
    const message = await socket.next();
    return message && readFrame(message);
  } finally {
    clearInterval(timer);
  }
}

/** The error of a connection that is over. */
function endOf({ closing }: FrameSocket, refusal: ErrandError | null): Error {
  if (closing?.code === takenOverCode)
    return attachError("taken-over", "another connection of the same attacher has taken over");
  const words = closing === null ? "" : ` (${closing.code}${closing.reason && `: ${closing.reason}`})`;
  if (closing !== null && finalCodes.has(closing.code))
    return refusal ?? attachError("attach-ended", `the server has ended the connection${words}`);
  return new ConnectionError(`the connection ended before the job${words}`);
}

function readStarted(fields: Readonly<Record<string, unknown>>): Started | null {
  const { type, job, cursor, attacher, stdinOffset, stdinWindowBytes } = fields;
  const record = readJob(job);
  if ((type !== "started" && type !== "ended") || record === undefined) return null;
  return {
    job: record,
    attacher: typeof attacher === "string" ? attacher : "",
    cursor: typeof cursor === "string" ? cursor : null,
    stdinOffset: typeof stdinOffset === "number" ? stdinOffset : 0,
    stdinWindowBytes: typeof stdinWindowBytes === "number" ? stdinWindowBytes : null,
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

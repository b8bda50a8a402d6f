import type { Duplex } from "node:stream";
import type { WebSocket } from "ws-node";
import { ErrandError, toErrandError } from "../../../core/errors.ts";
import type { Job, JobId } from "../../../core/job.ts";
import type { OutputPosition } from "../../../core/ports.ts";
import {
  type AttachReplay,
  type AttachServerMessage,
  attachChannels,
  attachCloseCodes,
} from "../../../protocol/attach.ts";
import { beginning, encodeCursor } from "../cursor.ts";
import type { RouteParts } from "../routeParts.ts";
import type { Seat } from "./attachers.ts";
import { BadFrame, carryOut, readMessage } from "./control.ts";
import { AttachInput } from "./input.ts";
import { sendOutput } from "./output.ts";
import { type Replay, replayOf } from "./replay.ts";
import { whenStarted } from "./whenStarted.ts";
import { AttachWire } from "./wire.ts";

/** Codes of RFC 6455: frames that are not of this protocol, text, a lost right, and what the server could not do. */
const closeCodes = { protocol: 1_002, text: 1_003, forbidden: 1_008, internal: 1_011 } as const;

/** One that has lost its right has so long to read why. */
const forbiddenMilliseconds = 500;

export interface SessionParts {
  readonly routes: RouteParts;
  readonly socket: WebSocket;
  readonly connection: Duplex;
  readonly id: JobId;
  readonly attacher: string;
  /** The name under which the job's input counts what this attacher writes. */
  readonly writer: string;
  readonly seat: Seat;
  readonly readOnly: boolean;
  readonly replay: AttachReplay;
  /** What the client has seen already; null for nothing. */
  readonly seen: OutputPosition | null;
}

/** One client that is attached to a job, from the upgrade to the end of its connection. */
export class AttachSession {
  readonly #parts: SessionParts;
  readonly #wire: AttachWire;
  readonly #gone = new AbortController();
  /** Why nothing is read of the client for now. */
  readonly #holds = new Set<"early" | "input" | "output">();
  /** What has come before the job had started. */
  readonly #early: Buffer[] = [];
  #input: AttachInput | null = null;
  #position: OutputPosition;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#position = parts.seen ?? beginning;
    const { socket, connection, seat, routes } = parts;
    this.#wire = new AttachWire({ socket, connection }, routes.limits.heartbeatSeconds, () =>
      this.#wire.beat(encodeCursor(this.#position)),
    );
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    // The library has answered with the code that says what was wrong.
    socket.on("error", () => {});
    connection.on("close", () => {
      this.#gone.abort();
      if (this.#input !== null) routes.attachers.leftInputs.keep(this.#input);
    });
    seat.take(() => {
      this.#input?.drop();
      this.#wire.close(attachCloseCodes.takenOver, "another connection goes on as this attacher");
      this.#gone.abort();
    });
  }

  /** Its credential is not good for this any more. */
  forbid(): void {
    this.#input?.drop();
    this.#wire.close(closeCodes.forbidden, "the credential is not good for this any more");
    this.#wire.giveUpAfter(forbiddenMilliseconds);
    this.#gone.abort();
  }

  /** Resolves when all has been sent, or nobody is there any more. */
  async run(): Promise<void> {
    const { routes, id } = this.#parts;
    try {
      const job = await whenStarted(routes.broker, id, this.#gone.signal);
      if (job !== undefined) await this.#serve(job);
    } catch (error) {
      if (!(error instanceof ErrandError)) routes.onInternalError(error);
      this.#wire.control(errorMessage(toErrandError(error)));
      this.#wire.close(closeCodes.internal, toErrandError(error).message);
    }
  }

  async #serve(job: Job): Promise<void> {
    const { routes, id } = this.#parts;
    const replay = await replayOf(this.#parts, this.#gone.signal);
    if (this.#gone.signal.aborted) return;
    const tellSize = (size: { cols: number; rows: number }) =>
      this.#wire.control({ type: "resize", ...size });
    const forget = routes.broker.active(id)?.onResize(tellSize);
    try {
      if (job.state !== "failed") this.#greet(job, replay);
      const ended = await sendOutput({
        ...{ broker: routes.broker, id, wire: this.#wire, replay, encode: routes.encode },
        signal: this.#gone.signal,
        onPosition: (position) => {
          this.#position = position;
        },
      });
      if (this.#gone.signal.aborted) return;
      if (ended) await this.#wire.finish(attachCloseCodes.ended);
      else this.#wire.close(closeCodes.internal, "the job is no longer on record");
    } finally {
      forget?.();
    }
  }

  /** Says what the client needs to know before anything else; from now on it may write. */
  #greet(job: Job, { position, screen }: Replay): void {
    const { routes, id, attacher, writer, readOnly, replay } = this.#parts;
    const active = routes.broker.active(id);
    const stdinOffset = active?.process?.input?.bytesFrom(writer) ?? 0;
    this.#wire.control({
      ...{ type: "started", job: routes.encode(job), attacher, readOnly, replay },
      // Who is cut before the screen has come has seen nothing.
      cursor: encodeCursor(screen === null ? position : beginning),
      ...{ stdinOffset, stdinWindowBytes: routes.limits.attachInputBytes },
      size: active?.terminalSize ?? job.tty,
    });
    this.#input = new AttachInput(stdinOffset, {
      ...{ routes, id, writer, mostBytes: routes.limits.attachInputBytes },
      onTaken: (bytes) => this.#wire.latest({ type: "ack", stdinOffset: bytes }),
      onRefused: (error) => this.#refuseInput(error),
      onFull: (full) => this.#hold("input", full),
    });
    for (const frame of this.#early) this.#take(frame, this.#input);
    this.#early.length = 0;
    this.#hold("early", false);
  }

  #refuseInput(error: ErrandError): void {
    this.#wire.control(errorMessage(error));
    // Bytes are missing that only the client can have: it has to know at once.
    if (error.code === "stdin-gap") this.#wire.close(attachCloseCodes.inputLost, error.message);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#wire.closed) return;
    if (!isBinary) {
      this.#wire.close(closeCodes.text, "frames are binary");
    } else if (this.#input === null) {
      this.#early.push(data);
      this.#hold("early", true);
    } else {
      this.#take(data, this.#input);
    }
  }

  #take(frame: Buffer, input: AttachInput): void {
    // What is typed has no answer but the latest of its acks.
    let isAnswered = frame[0] === attachChannels.control;
    try {
      this.#understand(frame, input);
    } catch (error) {
      isAnswered = true;
      if (error instanceof BadFrame) {
        this.#wire.close(closeCodes.protocol, error.message);
        return;
      }
      if (!(error instanceof ErrandError)) this.#parts.routes.onInternalError(error);
      this.#wire.control(errorMessage(toErrandError(error)));
    }
    // Answers must not pile up for a client that sends and does not read.
    if (!isAnswered || !this.#wire.full || this.#holds.has("output")) return;
    this.#hold("output", true);
    this.#wire.room().then(() => this.#hold("output", false));
  }

  #understand(frame: Buffer, input: AttachInput): void {
    const [channel, ...more] = frame.subarray(0, 3);
    const payload = frame.subarray(1);
    switch (channel) {
      case attachChannels.stdin:
        this.#checkMayWrite("write");
        input.push(payload);
        return;
      case attachChannels.close:
        if (payload.byteLength !== 1 || more[0] !== attachChannels.stdin)
          throw new BadFrame("channel 0 alone can be closed");
        this.#checkMayWrite("write");
        input.push("close");
        return;
      case attachChannels.control: {
        const message = readMessage(payload);
        this.#checkMayWrite(message.type);
        carryOut(this.#parts.routes.broker, this.#parts.id, message);
        return;
      }
      default:
        throw new BadFrame("channels 0, 3 and 255 are the client's");
    }
  }

  #checkMayWrite(what: string): void {
    if (!this.#parts.readOnly) return;
    throw new ErrandError("forbidden", `attached with readOnly=true: this connection may not ${what}`);
  }

  #hold(why: "early" | "input" | "output", on: boolean): void {
    const { socket } = this.#parts;
    if (on) this.#holds.add(why);
    else this.#holds.delete(why);
    if (this.#holds.size > 0 && !this.#wire.closed) socket.pause();
    else socket.resume();
  }
}

function errorMessage({ code, message: detail }: ErrandError): AttachServerMessage {
  return { type: "error", code, detail };
}

import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { AttachClientMessage, AttachServerMessage } from "../../src/protocol/attach.ts";
import { atEnd } from "./cleanup.ts";
import { FrameReader, frame, opcodes } from "./frames.ts";
import type { Server } from "./running-server.ts";
import { until } from "./wait.ts";

export interface AttachOptions {
  readonly query?: string;
  readonly token?: string;
  /** Where the token stands: in the Authorization header, unless it is offered as a subprotocol, as browsers do. */
  readonly tokenIn?: "header" | "subprotocol";
  /** Keep no output, only how much came and its digest: for floods. */
  readonly digest?: boolean;
}

type Message<Type extends string> = Extract<AttachServerMessage, { type: Type }>;

/** One client on the WebSocket of a job, over a connection that it can hold, cut and write to as it likes. */
export class Attached {
  readonly messages: AttachServerMessage[] = [];
  readonly output = { stdout: "", stderr: "" };
  readonly hash = createHash("sha256");
  outputBytes = 0;
  largestFrame = 0;
  /** The latest place to go on from. */
  cursor = "";
  /** The code of the server's close frame. */
  closeCode: number | null = null;
  closeReason = "";
  ended = false;
  readonly #reader = new FrameReader();
  #head: Buffer | null = Buffer.alloc(0);

  constructor(
    readonly socket: Socket,
    readonly options: AttachOptions,
  ) {
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.ended = true;
    });
  }

  send(channel: number, payload: string | Uint8Array): void {
    this.socket.write(frame(Buffer.concat([Buffer.of(channel), Buffer.from(payload)])));
  }

  type(text: string | Uint8Array): void {
    this.send(0, text);
  }

  closeStdin(): void {
    this.send(255, Buffer.of(0));
  }

  control(message: AttachClientMessage): void {
    this.send(3, JSON.stringify(message));
  }

  all<Type extends AttachServerMessage["type"]>(type: Type): Message<Type>[] {
    return this.messages.filter((message): message is Message<Type> => message.type === type);
  }

  /** The message of that type, once it has come. */
  async message<Type extends AttachServerMessage["type"]>(type: Type): Promise<Message<Type>> {
    return until(() => this.all(type)[0], { describe: () => `${type} in ${this.#said()}` });
  }

  async untilShown(text: string | RegExp, timeoutMilliseconds?: number): Promise<void> {
    const shown = () =>
      typeof text === "string" ? this.output.stdout.includes(text) : text.test(this.output.stdout);
    const options = { describe: () => `${text} in ${this.#said()}` };
    await until(shown, timeoutMilliseconds === undefined ? options : { ...options, timeoutMilliseconds });
  }

  async untilAcked(stdinOffset: number): Promise<void> {
    const acked = () => (this.all("ack").at(-1)?.stdinOffset ?? 0) >= stdinOffset;
    await until(acked, { describe: () => `ack of ${stdinOffset} in ${this.#said()}` });
  }

  /** Waits for the end of the connection; the code of the close frame, null without one. */
  async untilClosed(timeoutMilliseconds = 10_000): Promise<number | null> {
    await until(() => this.ended, {
      ...{ timeoutMilliseconds },
      describe: () => `the end of the connection; ${this.#said()}`,
    });
    return this.closeCode;
  }

  /** Breaks the connection, without a word. */
  cut(): void {
    this.socket.resetAndDestroy();
    this.ended = true;
  }

  #said(): string {
    const messages = this.messages.filter(({ type }) => type !== "cursor").slice(-5);
    return `${this.closeCode} ${JSON.stringify(messages)} ${JSON.stringify(this.output).slice(-2_000)}`;
  }

  #take(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#head !== null) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(this.#head.toString("latin1"))?.[1]);
      bytes = this.#head.subarray(end + 4);
      if (this.status !== 101) return;
      this.#head = null;
    }
    for (const { opcode, payload } of this.#reader.push(bytes)) this.#understand(opcode, payload);
  }

  status = 0;

  #understand(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) {
      this.socket.write(frame(payload, { opcode: opcodes.pong }));
    } else if (opcode === opcodes.close) {
      this.closeCode = payload.readUInt16BE(0);
      this.closeReason = payload.subarray(2).toString();
      this.socket.end(frame(payload, { opcode: opcodes.close }));
    } else if (payload[0] === 3) {
      const message = JSON.parse(payload.subarray(1).toString()) as AttachServerMessage;
      if ("cursor" in message) this.cursor = message.cursor;
      this.messages.push(message);
    } else {
      this.#keep(payload[0] === 2 ? "stderr" : "stdout", payload.subarray(1));
    }
  }

  #keep(stream: "stdout" | "stderr", bytes: Buffer): void {
    this.outputBytes += bytes.length;
    this.largestFrame = Math.max(this.largestFrame, bytes.length);
    this.hash.update(bytes);
    if (this.options.digest !== true) this.output[stream] += bytes.toString("latin1");
  }
}

/** The head of a request for the WebSocket. */
export function attachHead(
  server: Server,
  id: string,
  { query = "", token = server.token, tokenIn = "header" }: AttachOptions = {},
) {
  const offered = `errand.token.${Buffer.from(token).toString("base64url")}`;
  const lines = [
    `GET /v1/jobs/${id}/attach${query} HTTP/1.1`,
    `Host: ${server.host}:${server.port}`,
    ...(tokenIn === "header" ? [`Authorization: Bearer ${token}`] : []),
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: errand.v1${tokenIn === "header" ? "" : `, ${offered}`}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Attaches to a job; the answer must be 101. */
export async function attach(server: Server, id: string, options: AttachOptions = {}): Promise<Attached> {
  const attached = open(server, id, options);
  await until(() => attached.status !== 0 || attached.ended, { describe: "the answer to the upgrade" });
  if (attached.status !== 101) throw new Error(`attach: ${attached.status}`);
  return attached;
}

/** The status of an attempt that may be refused; the connection is closed with it. */
export async function attachStatus(server: Server, id: string, options: AttachOptions = {}): Promise<number> {
  const attached = open(server, id, options);
  await until(() => attached.status !== 0 || attached.ended, { describe: "the answer to the upgrade" });
  if (attached.status !== 101) await attached.untilClosed();
  attached.cut();
  return attached.status;
}

function open(server: Server, id: string, options: AttachOptions): Attached {
  const socket = connect({ host: server.host, port: server.port });
  atEnd(async () => {
    socket.destroy();
  });
  const attached = new Attached(socket, options);
  socket.write(attachHead(server, id, options));
  return attached;
}

import { connect, createServer, type Socket } from "node:net";
import { type Frame, FrameReader } from "../../../src/shim/frames.ts";
import { atEnd } from "../../support/cleanup.ts";
import { until } from "../../support/wait.ts";

/** A frame that went over a shim's socket, as it is kept in test/fixtures. */
export interface Recorded {
  readonly from: "server" | "shim";
  readonly hex: string;
}

/** What a frame says. */
export function read(hex: string): Frame {
  const [frame, ...more] = new FrameReader().push(Buffer.from(hex, "hex"));
  if (frame === undefined || more.length > 0) throw new Error(`not one frame: ${hex}`);
  return frame;
}

/** The type of a message, or the kind of any other frame. */
export function typeOf(frame: Frame): string {
  return frame.kind === "message" ? (frame.message as { type: string }).type : frame.kind;
}

/** One end of a connection between a server and a shim, in the hands of a test. */
export class ShimPeer {
  readonly received: Buffer[] = [];
  #pending = Buffer.alloc(0);

  constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    socket.on("data", (piece: Buffer) => this.#take(piece));
  }

  /** Connects to a shim as a server does. */
  static async connect(path: string): Promise<ShimPeer> {
    const socket = connect(path);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new ShimPeer(socket);
  }

  /** Waits for a server as a shim does. */
  static listen(path: string): Promise<ShimPeer> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => resolve(new ShimPeer(socket)));
      server.once("error", reject).listen(path);
      atEnd(async () => void server.close());
    });
  }

  send(frame: Uint8Array): void {
    this.socket.write(frame);
  }

  /** The n-th frame of that type, once it has come. */
  async wait(type: string, nth = 1): Promise<Frame> {
    const find = () => this.received.map((bytes) => read(bytes.toString("hex"))).filter(isThat)[nth - 1];
    const isThat = (frame: Frame) => typeOf(frame) === type;
    return until(find, { describe: () => `${type} among ${this.#types().join(" ")}` });
  }

  #types(): string[] {
    return this.received.map((bytes) => typeOf(read(bytes.toString("hex"))));
  }

  /** Cuts what comes into frames, which stay as they are. */
  #take(piece: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, piece]);
    while (this.#pending.length >= 4 && this.#pending.length >= 4 + this.#pending.readUInt32LE()) {
      const end = 4 + this.#pending.readUInt32LE();
      this.received.push(Buffer.from(this.#pending.subarray(0, end)));
      this.#pending = this.#pending.subarray(end);
    }
  }
}

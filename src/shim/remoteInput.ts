import { ErrandError } from "../core/errors.ts";
import type { ProcessInput } from "../core/ports.ts";
import { inputFrame } from "./frames.ts";
import type { InputState } from "./messages.ts";

/** So much goes to the shim at once, and is taken by the command before more goes. */
const pieceBytes = 64 * 1024;

interface RemoteParts {
  readonly state: InputState;
  readonly send: (frame: Uint8Array) => void;
  readonly askToClose: () => void;
  /** A terminal's end of input is something that is typed. */
  readonly staysOpen: boolean;
}

/** stdin of a command that a shim supervises. What has been taken is counted there, so that it outlives this server. */
export class RemoteInput implements ProcessInput {
  readonly #send: (frame: Uint8Array) => void;
  readonly #askToClose: () => void;
  readonly #staysOpen: boolean;
  #state: InputState;
  #turn: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  /** What has been sent and may not have been taken: from this many bytes in all on. */
  #underWay: { readonly from: number; readonly piece: Uint8Array; readonly writer: string } | null = null;

  constructor({ state, send, askToClose, staysOpen }: RemoteParts) {
    this.#state = state;
    this.#send = send;
    this.#askToClose = askToClose;
    this.#staysOpen = staysOpen;
  }

  get bytes(): number {
    return this.#state.bytes;
  }

  get closed(): boolean {
    return this.#state.closed;
  }

  bytesFrom(writer: string): number {
    return this.#state.writers.find(([name]) => name === writer)?.[1] ?? 0;
  }

  write(chunk: Uint8Array, writer = ""): Promise<void> {
    const turn = this.#turn.then(async () => {
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        await this.#writePiece(chunk.subarray(at, at + pieceBytes), writer);
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #writePiece(piece: Uint8Array, writer: string): Promise<void> {
    const wanted = this.bytes + piece.byteLength;
    this.#underWay = { from: this.bytes, piece, writer };
    if (!this.closed) this.#send(inputFrame(writer, piece));
    while (this.bytes < wanted) {
      if (this.closed)
        throw new ErrandError("stdin-closed", "the command's stdin is closed: it takes no more");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#underWay = null;
  }

  close(): void {
    if (this.closed) return;
    this.#askToClose();
    if (!this.#staysOpen) this.end();
  }

  /** What the shim has told. */
  update(state: InputState): void {
    this.#state = { ...state, closed: state.closed || this.#state.closed };
    this.#wake?.();
  }

  /** The shim has been reached anew, and tells what it has taken: what it has not is sent again. */
  reconnected(state: InputState): void {
    this.update(state);
    if (this.#underWay === null || this.closed) return;
    const { from, piece, writer } = this.#underWay;
    const rest = piece.subarray(this.bytes - from);
    if (rest.byteLength > 0) this.#send(inputFrame(writer, rest));
  }

  /** The command has ended, or nobody is there to take anything. */
  end(): void {
    this.#state = { ...this.#state, closed: true };
    this.#wake?.();
  }
}

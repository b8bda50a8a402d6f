import { ErrandError, toErrandError } from "../../../core/errors.ts";
import type { JobId } from "../../../core/job.ts";
import type { RouteParts } from "../routeParts.ts";
import { inputOf } from "../stdin.ts";

interface InputParts {
  readonly routes: Pick<RouteParts, "broker" | "inputs">;
  readonly id: JobId;
  /** Under this name the job's input counts what has come from this client. */
  readonly writer: string;
  /** So many bytes may wait for the command; with more, the client is held back. */
  readonly mostBytes: number;
  /** So much of this client's input has been taken in all. */
  readonly onTaken: (bytes: number) => void;
  readonly onRefused: (error: ErrandError) => void;
  /** No more is to be read of the client, or more again. */
  readonly onFull: (full: boolean) => void;
}

type Next = Uint8Array | "close";

/** Pieces below this size that wait are put together: a client that types much in small frames costs no more than its bytes. */
const smallPieceBytes = 4 * 1024;

/** What one attached client types, on its way to the command: in order, each byte once, whatever connections break. */
export class AttachInput {
  readonly #parts: InputParts;
  readonly #queue: Next[] = [];
  #queuedBytes = 0;
  /** Of the next byte that comes, among all that this client has sent. */
  #offset: number;
  /** It has left the queue and waits for its turn; null when it is being written, or nothing waits. */
  #waiting: Next | null = null;
  #busy = false;
  #refused = false;
  #full = false;
  #onIdle: (() => void) | null = null;

  /** `offset`: of the first byte that will come. */
  constructor(offset: number, parts: InputParts) {
    this.#offset = offset;
    this.#parts = parts;
  }

  /** The next bytes, or the end of what is to be written. */
  push(next: Next): void {
    if (this.#refused) return;
    this.#append(next);
    this.#queuedBytes += sizeOf(next);
    this.#tellFull();
    if (!this.#busy) this.#drain();
  }

  /** Nothing of what waits is written any more: whoever has sent it sends it again. */
  drop(): void {
    this.#refused = true;
    this.#waiting = null;
    for (const next of this.#queue.splice(0)) this.#queuedBytes -= sizeOf(next);
  }

  /** Resolves when all that has come is written, or dropped. */
  async idle(): Promise<void> {
    if (!this.#busy) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #append(next: Next): void {
    const last = this.#queue.at(-1);
    const isSmall = last instanceof Uint8Array && last.byteLength < smallPieceBytes;
    if (!isSmall || next === "close" || next.byteLength >= smallPieceBytes) this.#queue.push(next);
    else this.#queue[this.#queue.length - 1] = Buffer.concat([last, next]);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const bytes = sizeOf(next);
      try {
        const taken = await this.#write(next);
        if (taken !== null) this.#parts.onTaken(taken);
      } catch (error) {
        this.drop();
        this.#parts.onRefused(toErrandError(error));
      }
      this.#queuedBytes -= bytes;
      this.#tellFull();
    }
    this.#busy = false;
    this.#onIdle?.();
  }

  /** How much has been taken of this writer in all; null when it was dropped before its turn. */
  #write(next: Next): Promise<number | null> {
    const { routes, id } = this.#parts;
    const offset = this.#offset;
    if (next !== "close") this.#offset += next.byteLength;
    this.#waiting = next;
    return routes.inputs.inTurn(id, async () => {
      // Asked for here, so that what was dropped is not held until its turn comes.
      const mine = this.#waiting;
      this.#waiting = null;
      return mine === null ? null : this.#give(mine, offset);
    });
  }

  async #give(next: Next, offset: number): Promise<number> {
    const { routes, id, writer } = this.#parts;
    const input = inputOf(routes, id);
    const taken = input.bytesFrom(writer);
    if (taken < offset)
      throw new ErrandError("stdin-gap", `only ${taken} bytes before byte ${offset} are known here`);
    if (next === "close") {
      input.close();
    } else {
      // A connection that this one has taken over may have brought some of it already.
      const fresh = next.subarray(Math.min(next.byteLength, taken - offset));
      if (fresh.byteLength > 0) await input.write(fresh, writer);
    }
    return input.bytesFrom(writer);
  }

  #tellFull(): void {
    const full = this.#queuedBytes > this.#parts.mostBytes;
    if (full !== this.#full) this.#parts.onFull(full);
    this.#full = full;
  }
}

/** An end costs something although it brings no byte. */
function sizeOf(next: Next): number {
  return next === "close" ? 64 : next.byteLength;
}

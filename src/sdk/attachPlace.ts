import type { StreamName } from "./eventTypes.ts";

/** How far one output has come, counted from the last cursor. */
interface Position {
  /** Bytes that this connection has brought since. */
  received: number;
  /** Bytes that have been handed out since, by this connection or an earlier one. */
  delivered: number;
}

/** Where the output of an attached job goes on after a cut, so that no byte comes twice. */
export class AttachPlace {
  readonly #streams: Readonly<Record<StreamName, Position>> = {
    stdout: { received: 0, delivered: 0 },
    stderr: { received: 0, delivered: 0 },
  };
  #cursor: string | null;

  constructor(cursor: string | undefined) {
    this.#cursor = cursor ?? null;
  }

  /** Where the next connection begins. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** A connection has begun at the cursor. */
  begin(): void {
    for (const position of Object.values(this.#streams)) position.received = 0;
  }

  /** Everything begins anew: what has been handed out was no part of the output, but a picture of it. */
  forget(): void {
    for (const position of Object.values(this.#streams)) {
      position.received = 0;
      position.delivered = 0;
    }
  }

  /** All that came before has this cursor behind it. */
  reach(cursor: string): void {
    this.#cursor = cursor;
    for (const position of Object.values(this.#streams)) {
      position.delivered = Math.max(0, position.delivered - position.received);
      position.received = 0;
    }
  }

  /** How many of the next bytes of that stream have been handed out before. Counts all of them as handed out. */
  take(stream: StreamName, bytes: number): number {
    const position = this.#streams[stream];
    const known = Math.min(bytes, Math.max(0, position.delivered - position.received));
    position.received += bytes;
    position.delivered = Math.max(position.delivered, position.received);
    return known;
  }
}

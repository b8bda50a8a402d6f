import { fieldsOf, readBytes } from "./bytes.ts";
import { Characters, type LazyText } from "./characters.ts";
import { ConnectionError, type Received } from "./errors.ts";
import type { EndedEvent, GapEvent, JobEvent, OutputEvent, StreamName } from "./eventTypes.ts";
import { readJob, readOutcome } from "./readJob.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Makes events of lines, in order over all cuts: each byte once, none missing without a gap. */
export class EventReader {
  /** Of the last event that was read. */
  cursor: string | null;
  /** Where the next byte of a stream is; null when it goes on from a cursor and none has come. */
  readonly #next: Record<StreamName, number | null>;
  readonly #characters = { stdout: new Characters(), stderr: new Characters() };

  constructor(cursor: string | undefined) {
    this.cursor = cursor ?? null;
    const next = cursor === undefined ? 0 : null;
    this.#next = { stdout: next, stderr: next };
  }

  /** What has come so far. */
  get received(): Received {
    const { stdout, stderr } = this.#next;
    return { cursor: this.cursor, stdoutOffset: stdout ?? 0, stderrOffset: stderr ?? 0 };
  }

  /** The event of a line; null for one that tells a program nothing. Throws `ConnectionError` for a line that is none. */
  read(line: string): JobEvent | null {
    const fields = parse(line);
    const { cursor } = fields;
    if (typeof cursor !== "string") throw damaged(line);
    const event = this.#event(fields, cursor);
    if (event === undefined) throw damaged(line);
    // The cursor of what is no event may stand before `started`, which would not be told again.
    if (event !== null) this.cursor = cursor;
    return event;
  }

  #event(fields: Fields, cursor: string): JobEvent | null | undefined {
    const { type } = fields;
    switch (type) {
      case "started": {
        const job = readJob(fields.job);
        return job && { type, cursor, job };
      }
      case "stdout":
      case "stderr":
        return this.#output(type, cursor, fields);
      case "gap":
        return this.#gap(cursor, fields);
      case "ended":
        return this.#ended(cursor, fields);
      default:
        // Heartbeats, and what newer servers tell.
        return typeof type === "string" ? null : undefined;
    }
  }

  #output(type: StreamName, cursor: string, fields: Fields): OutputEvent | null | undefined {
    const { offset } = fields;
    const found = readBytes(fields);
    if (found === null || !isOffset(offset)) return undefined;
    const next = this.#next[type] ?? offset;
    if (offset > next) throw new ConnectionError(`${type} misses the bytes from ${next} to ${offset}`);
    const known = next - offset;
    const end = offset + found.bytes.byteLength;
    if (end <= next) return null;
    const bytes = found.bytes.subarray(known);
    const text = this.#characters[type].take(bytes, known === 0 ? found.text : null);
    this.#next[type] = end;
    return new Output({ type, cursor, offset: next, bytes }, text);
  }

  #gap(cursor: string, { stream, from, to }: Fields): GapEvent | null | undefined {
    if ((stream !== "stdout" && stream !== "stderr") || !isOffset(from) || !isOffset(to)) return undefined;
    const next = this.#next[stream] ?? from;
    if (from > next) throw new ConnectionError(`${stream} misses the bytes from ${next} to ${from}`);
    if (to <= next) return null;
    this.#next[stream] = to;
    this.#characters[stream].interrupt();
    return { type: "gap", cursor, stream, from: next, to };
  }

  #ended(cursor: string, fields: Fields): EndedEvent | undefined {
    const job = readJob(fields.job);
    if (job === undefined) return undefined;
    const { stdout, stderr } = this.#characters;
    const rest = { stdout: stdout.rest(), stderr: stderr.rest() };
    return { type: "ended", cursor, outcome: readOutcome(fields.outcome), job, rest };
  }
}

/** Text is decoded for those who ask for it. */
class Output implements OutputEvent {
  readonly type: StreamName;
  readonly cursor: string;
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #text: LazyText;

  constructor({ type, cursor, offset, bytes }: Omit<OutputEvent, "text">, text: LazyText) {
    this.type = type;
    this.cursor = cursor;
    this.offset = offset;
    this.bytes = bytes;
    this.#text = text;
  }

  get text(): string {
    return this.#text();
  }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function parse(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw damaged(line);
  }
  return fieldsOf(value) ?? {};
}

const shownCharacters = 80;

function damaged(line: string): ConnectionError {
  return new ConnectionError(`no event of Errand: ${line.slice(0, shownCharacters)}`);
}

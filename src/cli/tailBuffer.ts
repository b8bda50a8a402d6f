import type { OutputEvent } from "../sdk/eventTypes.ts";

const newline = 0x0a;
/** A job that writes endless lines must not fill our memory. */
const mostBytes = 16 * 1024 * 1024;

/** Keeps the output events that hold the last lines. */
export class TailBuffer {
  readonly #mostLines: number;
  #events: { readonly event: OutputEvent; readonly lines: number }[] = [];
  #lines = 0;
  #bytes = 0;

  constructor(mostLines: number) {
    this.#mostLines = mostLines;
  }

  add(event: OutputEvent): void {
    const lines = countLines(event.bytes);
    this.#events.push({ event, lines });
    this.#lines += lines;
    this.#bytes += event.bytes.byteLength;
    for (;;) {
      const [first, second] = this.#events;
      // The line that an event ends may have begun in the one before it.
      const isSpare = first !== undefined && this.#lines - first.lines > this.#mostLines;
      if (first === undefined || second === undefined || !(isSpare || this.#bytes > mostBytes)) return;
      this.#events.shift();
      this.#lines -= first.lines;
      this.#bytes -= first.event.bytes.byteLength;
    }
  }

  /** The last lines; the first event begins with the first of them. */
  take(): OutputEvent[] {
    const kept: OutputEvent[] = [];
    // The end of the last line is not the begin of another.
    let wanted = this.#mostLines + (endsLine(this.#events.at(-1)?.event) ? 1 : 0);
    for (const { event, lines } of this.#events.toReversed()) {
      if (lines < wanted) {
        wanted -= lines;
        kept.unshift(event);
        continue;
      }
      const from = afterNewline(event.bytes, wanted);
      if (from < event.bytes.byteLength) kept.unshift(behind(event, from));
      break;
    }
    this.#events = [];
    return kept;
  }
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

function endsLine(event: OutputEvent | undefined): boolean {
  return event?.bytes.at(-1) === newline;
}

/** The offset behind the newline that is the `count`-th from the end. */
function afterNewline(bytes: Uint8Array, count: number): number {
  let at = bytes.byteLength;
  for (let left = count; left > 0; left -= 1) at = at === 0 ? -1 : bytes.lastIndexOf(newline, at - 1);
  return at + 1;
}

function behind(event: OutputEvent, from: number): OutputEvent {
  const bytes = event.bytes.subarray(from);
  const { type, cursor, offset } = event;
  return { type, cursor, offset: offset + from, bytes, text: new TextDecoder().decode(bytes) };
}

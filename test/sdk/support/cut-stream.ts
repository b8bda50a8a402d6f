import type { JobRecord } from "../../../src/sdk/jobTypes.ts";
import { type Answer, type Asked, chunked } from "./scripted-server.ts";
import { endedJob, good, wireJob } from "./wire.ts";

/** Numbers that look random and are the same for the same seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What a command writes: characters of all lengths, and bytes that are none. */
export function randomOutput(random: (below: number) => number, length: number): Uint8Array {
  const alphabet = ["a", "\n", "ä", "€", "😀", "\u{feff}", '"', "\\", "\u0000"].map((one) =>
    Buffer.from(one),
  );
  const pieces: Uint8Array[] = [];
  for (let bytes = 0; bytes < length; ) {
    const piece =
      random(12) === 0 ? Uint8Array.of(random(256)) : (alphabet[random(alphabet.length)] ?? Buffer.alloc(1));
    pieces.push(piece);
    bytes += piece.byteLength;
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** A job whose output a server knows in full, and sends as badly as it can. */
export class CutJob {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  cuts = 0;
  #asked = 0;
  readonly #random: (below: number) => number;

  constructor(seed: number, bytes: number) {
    this.#random = randomOf(seed);
    this.stdout = randomOutput(this.#random, bytes);
    this.stderr = randomOutput(this.#random, bytes / 4);
  }

  /** Sends the events behind the cursor, in pieces of any size, and cuts the connection at any byte. */
  async events({ query }: Asked, answer: Answer): Promise<void> {
    const cursor = query.get("cursor");
    const bytes = Buffer.concat(this.#lines(cursor).map((line) => this.#framed(line)));
    const whole = this.#isWhole();
    const end = whole ? bytes.byteLength : this.#random(bytes.byteLength);
    answer.stream("application/x-ndjson", { "errand-job-id": "7" });
    await this.#pieces(answer, bytes.subarray(0, end));
    if (whole) answer.finish();
    else this.#cut(answer);
  }

  /** Sends the bytes behind the offset of the request, cut at any byte, or ended as if they were all. */
  async output({ headers, query }: Asked, answer: Answer): Promise<void> {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const rest = Buffer.from(this.stdout.subarray(from));
    const follows = query.has("follow");
    if (!follows && rest.byteLength === 0) return answer.problem(416, "invalid-range");
    const framing = follows
      ? { "transfer-encoding": "chunked" }
      : { "content-length": String(rest.byteLength) };
    const range = from > 0 ? { "content-range": `bytes ${from}-${this.stdout.byteLength - 1}/*` } : {};
    const whole = this.#isWhole();
    const content = whole ? rest : rest.subarray(0, this.#random(rest.byteLength));
    answer.head(from > 0 ? 206 : 200, { ...framing, ...range });
    await this.#pieces(answer, follows && content.byteLength > 0 ? chunked(content) : content);
    if (whole && !follows) return;
    // A proxy may end cleanly what was cut behind it.
    if (follows && (whole || this.#random(2) === 0)) answer.finish();
    else this.#cut(answer);
  }

  /** The record: for some time it runs. */
  record(): JobRecord {
    this.#asked += 1;
    return this.#asked > 3 ? this.ended : wireJob();
  }

  get ended() {
    return endedJob(this.stdout.byteLength, this.stderr.byteLength);
  }

  /** In the end always, since a client that gets nowhere waits ever longer. */
  #isWhole(): boolean {
    return this.cuts >= 6 || this.#random(8) === 0;
  }

  #cut(answer: Answer): void {
    this.cuts += 1;
    if (this.#random(2) === 0) answer.cut();
    else answer.reset();
  }

  #lines(cursor: string | null): string[] {
    const [seenOut = 0, seenErr = 0] = cursor?.split("-").map(Number) ?? [];
    const seen = { stdout: seenOut, stderr: seenErr };
    const lines: string[] = [];
    const tell = (fields: Readonly<Record<string, unknown>>) => {
      const ending = this.#random(5) === 0 ? "\r\n" : "\n";
      const empty = this.#random(9) === 0 ? "\n" : "";
      lines.push(
        `${empty}${JSON.stringify({ cursor: `${seen.stdout}-${seen.stderr}`, ...fields })}${ending}`,
      );
    };
    if (cursor === null) tell({ type: "started", job: wireJob() });
    while (seen.stdout < this.stdout.byteLength || seen.stderr < this.stderr.byteLength) {
      if (this.#random(7) === 0) tell({ type: "heartbeat" });
      if (this.#random(30) === 0) tell({ type: "of-a-newer-server", odd: [1] });
      const type = this.#random(4) === 0 ? "stderr" : "stdout";
      const offset = seen[type];
      const bytes = this[type].subarray(offset, offset + 1 + this.#random(200));
      if (bytes.byteLength === 0) continue;
      seen[type] += bytes.byteLength;
      tell({ type, offset, ...content(bytes) });
    }
    tell({ type: "ended", outcome: good, job: this.ended });
    return lines;
  }

  #framed(line: string): Buffer {
    return chunked(Buffer.from(line));
  }

  async #pieces(answer: Answer, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const length = 1 + this.#random(2_000);
      answer.raw(bytes.subarray(at, at + length));
      at += length;
      if (this.#random(3) === 0) await Bun.sleep(1);
    }
  }
}

/** Whole characters as text, all else as base64. */
function content(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}

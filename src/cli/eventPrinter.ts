import { isUtf8 } from "node:buffer";
import type { JobEvent, StreamName } from "../sdk/eventTypes.ts";
import type { JobRecord } from "../sdk/jobTypes.ts";
import type { Output } from "./output.ts";
import type { ByteOutput } from "./quietOutput.ts";

/** Puts the events of a job where they belong. */
export interface EventPrinter {
  print(event: JobEvent): Promise<void>;
  /** What has been missed, in words; null when nothing was. */
  missed(): string | null;
}

/** Output goes to stdout and stderr, byte for byte. */
export class PlainPrinter implements EventPrinter {
  readonly #outputs: Readonly<Record<StreamName, ByteOutput | null>>;
  readonly #gaps: string[] = [];
  #isDetached = false;

  /** Null: that stream is not wanted. */
  constructor(outputs: Readonly<Record<StreamName, ByteOutput | null>>) {
    this.#outputs = outputs;
  }

  async print(event: JobEvent): Promise<void> {
    if (event.type === "stdout" || event.type === "stderr")
      await this.#outputs[event.type]?.write(event.bytes);
    else if (event.type === "gap" && this.#outputs[event.stream] !== null)
      this.#gaps.push(`${event.to - event.from} bytes of ${event.stream} from ${event.from} on`);
    else if (event.type === "ended") {
      this.#gaps.push(...this.#cutOf(event.job));
      this.#isDetached = event.job.state === "detached";
    }
  }

  missed(): string | null {
    if (this.#isDetached) return "nothing is kept of a detached job but its start";
    return this.#gaps.length === 0 ? null : `${this.#gaps.join(", ")}: the server no longer has them`;
  }

  #cutOf(job: JobRecord): string[] {
    const names = (["stdout", "stderr"] as const).filter(
      (name) => this.#outputs[name] !== null && job[name].truncated,
    );
    const untold = names.filter((name) => !this.#gaps.some((gap) => gap.includes(name)));
    return untold.map((name) => `the last bytes of ${name}`);
  }
}

/** Every event is a line of JSON, as v1 writes it. */
export class JsonPrinter implements EventPrinter {
  readonly #stdout: Output;

  constructor(stdout: Output) {
    this.#stdout = stdout;
  }

  async print(event: JobEvent): Promise<void> {
    await this.#stdout.write(`${JSON.stringify(wireForm(event))}\n`);
  }

  missed(): null {
    // Who reads JSON sees the gaps.
    return null;
  }
}

function wireForm(event: JobEvent): Readonly<Record<string, unknown>> {
  if (event.type === "stdout" || event.type === "stderr") {
    const { type, cursor, offset, bytes } = event;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      type,
      cursor,
      offset,
      ...(isUtf8(bytes) ? { text: buffer.toString() } : { base64: buffer.toString("base64") }),
    };
  }
  if (event.type !== "ended") return { ...event };
  const { type, cursor, outcome, job } = event;
  return { type, cursor, outcome, job };
}

import { TerminalQueryFilter } from "../sdk/terminalQueries.ts";
import type { Output } from "./output.ts";

/** What bytes are written to. */
export type ByteOutput = Pick<Output, "write">;

/** A terminal that is shown what it must not answer: nobody would read the answer but the shell that comes next. */
export class QuietOutput implements ByteOutput {
  readonly #output: Output;
  readonly #filter = new TerminalQueryFilter();

  constructor(output: Output) {
    this.#output = output;
  }

  async write(data: Uint8Array | string): Promise<void> {
    await this.#output.write(this.#filter.drop(typeof data === "string" ? Buffer.from(data) : data));
  }
}

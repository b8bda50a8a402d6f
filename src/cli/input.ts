import { read } from "node:fs";
import { isatty } from "node:tty";
import { CliError, exitCodes } from "./exitCodes.ts";

const chunkBytes = 64 * 1024;
const longestPauseMilliseconds = 50;

/** What came in so far is not all: nobody may take it for whole. */
export class InputFailed extends CliError {
  override readonly name = "CliError";
}

/**
 * What comes in at a descriptor, read only as somebody asks for it. Ends at the end of the input; fails with `InputFailed` when
 * it cannot be read.
 */
export function inputStream(descriptor: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  // Asked for now: one that has hung up is no terminal any more.
  const isTerminal = isatty(descriptor);
  return new ReadableStream(
    {
      async pull(controller) {
        const chunk = await readChunk(descriptor, isTerminal);
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
    },
    // Nothing is read ahead: what the command does not take stays with whoever writes it.
    { highWaterMark: 0 },
  );
}

async function readChunk(descriptor: number, isTerminal: boolean): Promise<Uint8Array<ArrayBuffer> | null> {
  let pause = 1;
  for (;;) {
    try {
      const buffer = new Uint8Array(chunkBytes);
      const count = await readSome(descriptor, buffer);
      return count === 0 ? null : buffer.subarray(0, count);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // A terminal that has been hung up reads as an error; a disk that does has not come to its end.
      if (code === "EOF" || (code === "EIO" && isTerminal)) return null;
      if (code !== "EAGAIN") {
        const why = error instanceof Error ? error.message : String(error);
        throw new InputFailed(exitCodes.refused, `stdin cannot be read: ${why}`);
      }
      // Somebody has made the descriptor non-blocking, and there is nothing yet.
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, longestPauseMilliseconds);
    }
  }
}

function readSome(descriptor: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, 0, buffer.byteLength, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

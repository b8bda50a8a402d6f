import { pollPipe, readDescriptor } from "./libc.ts";

/** Between two looks at an empty pipe: short at first, since most silences are. */
const firstPauseMilliseconds = 1;
const longestPauseMilliseconds = 10;
/** So many reads come in a row before others have their turn. */
const readsAtOnce = 64;

/**
 * Reads a pipe in steps of a given size. The runtime's streams choose their own, and tell of no pipe that it can be
 * read without reading it: so this one looks, again and again.
 */
export class StepReader {
  readonly #descriptor: number;
  readonly #buffer: Uint8Array;
  #reads = 0;
  #wake: (() => void) | null = null;
  #interrupted = false;

  /** No read takes more than the buffer holds; it is shared, so chunks are copies. */
  constructor(descriptor: number, buffer: Uint8Array) {
    this.#descriptor = descriptor;
    this.#buffer = buffer;
  }

  /** The next bytes; null when all writers are gone, or after `interrupt`. One caller at a time. */
  async read(): Promise<Uint8Array | null> {
    this.#interrupted = false;
    this.#reads += 1;
    if (this.#reads % readsAtOnce === 0) await this.#pause(0);
    for (let pause = firstPauseMilliseconds; !this.#interrupted; ) {
      const state = pollPipe(this.#descriptor);
      if (state === "end") return null;
      if (state === "data") {
        const count = readDescriptor(this.#descriptor, this.#buffer);
        return count > 0 ? this.#buffer.slice(0, count) : null;
      }
      await this.#pause(pause);
      pause = Math.min(pause * 2, longestPauseMilliseconds);
    }
    return null;
  }

  /** Makes a waiting `read` answer null. */
  interrupt(): void {
    this.#interrupted = true;
    this.#wake?.();
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}

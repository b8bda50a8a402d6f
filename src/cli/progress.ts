import type { Surroundings } from "./surroundings.ts";
import { cut, visible } from "./text.ts";

/** What takes no longer than this needs no words. */
const quietMilliseconds = 1_000;
const clearLine = "\r\u001b[K";

/** While something takes long, a line on the terminal says what; nothing where stderr is no terminal. */
export class Progress {
  readonly #surroundings: Surroundings;
  readonly #text: () => string;
  readonly #timer: Timer | null;
  #isShown = false;

  /** `text` is asked for each second. */
  constructor(surroundings: Surroundings, text: () => string) {
    this.#surroundings = surroundings;
    this.#text = text;
    this.#timer = surroundings.isTerminal(2) ? setInterval(() => this.#show(), quietMilliseconds) : null;
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#isShown) await this.#write(clearLine);
    this.#isShown = false;
  }

  #show(): void {
    this.#isShown = true;
    const columns = this.#surroundings.columns() ?? 80;
    void this.#write(clearLine + cut(visible(this.#text()), columns - 1));
  }

  /** Words that nobody sees are no failure. */
  async #write(text: string): Promise<void> {
    await this.#surroundings.stderr.write(text).catch(() => {});
  }
}

import { InvalidArgumentError, Option } from "commander";

const mostKeys = 8;
const allowed =
  "Keys such as ctrl-p,ctrl-q are needed: letters, digits and marks, or ctrl- with a letter or one of @[\\]^_, at most 8 with commas between them; or none.";

/** Bytes from `ctrl-p,ctrl-q`; nothing from `none`. */
export function detachKeys(text: string): readonly number[] {
  if (text === "none") return [];
  const keys = text.split(",").map(keyOf);
  if (keys.length <= mostKeys && keys.every((key) => key !== null)) return keys;
  throw new InvalidArgumentError(allowed);
}

const defaultNames = "ctrl-p,ctrl-q";
/** What is typed to leave a job alone, unless other keys are said. */
export const defaultDetachKeys = detachKeys(defaultNames);

function keyOf(name: string): number | null {
  const [, control] = /^ctrl-([a-z@[\\\]^_])$/i.exec(name) ?? [];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  return /^[\x21-\x7e]$/.test(name) ? name.charCodeAt(0) : null;
}

/** How a job with a terminal is left alone. */
export function detachKeysOption(): Option {
  const about = `what is typed to leave it running; none: nothing (default: ${defaultNames})`;
  return new Option("--detach-keys <keys>", about).argParser(detachKeys);
}

/** Looks for the keys in what is typed. Those that may begin them are held until the next one comes. */
export class DetachWatch {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What is to be passed on, and whether the keys were typed behind it. */
  take(typed: Uint8Array): { readonly passed: Uint8Array; readonly isDetached: boolean } {
    if (this.#keys.length === 0) return { passed: typed, isDetached: false };
    const passed: number[] = [];
    for (const byte of typed) {
      this.#step(byte, passed);
      if (this.#matched === this.#keys.length) return { passed: Uint8Array.from(passed), isDetached: true };
    }
    return { passed: Uint8Array.from(passed), isDetached: false };
  }

  /** Passes on what can no longer begin them, and keeps what still can. */
  #step(byte: number, passed: number[]): void {
    const held = [...this.#keys.slice(0, this.#matched), byte];
    while (held.some((key, at) => key !== this.#keys[at])) passed.push(held.shift() ?? 0);
    this.#matched = held.length;
  }
}

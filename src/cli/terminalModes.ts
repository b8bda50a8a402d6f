import { SequenceReader } from "../sdk/terminalSequences.ts";

/** Modes that a program sets for itself, and that bother whoever comes after it: keys, mouse, focus, screens, paste. */
const ownModes: ReadonlySet<string> = new Set(
  [
    1, 9, 47, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1047, 1049, 2004, 2031, 2048,
  ].map(String),
);
const cursorMode = "25";
const keypadMode = "66";
const escapeCharacter = "\u001b";
/** Longer ones set none of these. */
const mostSequenceCharacters = 64;

/** What a job has made of the terminal, so that it can be undone when the job is left in the middle of its work. */
export class TerminalModes {
  readonly #reader = new SequenceReader();
  readonly #set = new Set<string>();
  #sequence = "";
  #isCursorHidden = false;
  #keyboards = 0;
  #hasModifiedKeys = false;

  /** Follows what is shown. */
  watch(bytes: Uint8Array): void {
    for (let at = this.#reader.plainBytes(bytes, 0); at < bytes.byteLength; ) {
      this.#step(bytes[at] ?? 0);
      at += 1;
      at += this.#reader.plainBytes(bytes, at);
    }
  }

  /** What to write to have the terminal as it was; nothing when it is. */
  undo(): string {
    const modes = [...this.#set].map((mode) => `\u001b[?${mode}l`);
    const words = [
      this.#keyboards > 0 ? `\u001b[<${this.#keyboards}u` : "",
      this.#hasModifiedKeys ? "\u001b[>4m" : "",
      ...modes,
      this.#isCursorHidden ? "\u001b[?25h" : "",
    ].join("");
    return words === "" ? "" : `${words}\u001b[m`;
  }

  #step(byte: number): void {
    const part = this.#reader.read(byte);
    if (part === "open" && this.#sequence.length < mostSequenceCharacters)
      this.#sequence += String.fromCharCode(byte);
    else if (part === "next") this.#sequence = String.fromCharCode(byte);
    else if (part === "sequence") {
      this.#take(this.#sequence + String.fromCharCode(byte));
      this.#sequence = "";
    } else if (part !== "control" && part !== "open") this.#sequence = "";
  }

  #take(sequence: string): void {
    if (!sequence.startsWith(escapeCharacter)) return;
    const words = sequence.slice(1);
    if (words === "=" || words === ">") this.#mode(keypadMode, words === "=");
    const [, modes, how] = /^\[\?([\d;]+)([hl])$/.exec(words) ?? [];
    for (const mode of modes?.split(";") ?? []) this.#mode(mode, how === "h");
    const [, mark, keys = "", final] = /^\[([<>])([\d;]*)([um])$/.exec(words) ?? [];
    if (mark === ">" && final === "u") this.#keyboards += 1;
    if (mark === "<" && final === "u") this.#keyboards = Math.max(0, this.#keyboards - Number(keys || 1));
    if (mark === ">" && final === "m" && keys.startsWith("4")) this.#hasModifiedKeys = /^4;[1-9]/.test(keys);
  }

  #mode(mode: string, isOn: boolean): void {
    if (mode === cursorMode) this.#isCursorHidden = !isOn;
    if (!ownModes.has(mode)) return;
    if (isOn) this.#set.add(mode);
    else this.#set.delete(mode);
  }
}

import { incompleteTail } from "../wholeText.ts";

const escapeByte = 0x1b;
const bell = 0x07;
const cancel = 0x18;
const substitute = 0x1a;
/** The first byte of the characters U+0080 to U+009F, which stand for ESC and another byte. */
const shortened = 0xc2;

type State = "ground" | "escape" | "control" | "string" | "stringEscape";

/**
 * How many bytes from the start end where no escape sequence and no character is begun: a terminal that has got them
 * waits for nothing.
 */
export function restingPlace(bytes: Uint8Array): number {
  let state: State = "ground";
  /** Where what is not at its end has begun. */
  let begun = 0;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at] ?? 0;
    const next = bytes[at + 1] ?? 0;
    if (byte === shortened && next >= 0x80 && next <= 0x9f) {
      if (state === "ground") begun = at;
      state = afterEscape(next - 0x40);
      at += 1;
    } else if (state !== "ground") {
      state = after(state, byte);
    } else if (byte === escapeByte) {
      state = "escape";
      begun = at;
    }
  }
  return state === "ground" ? bytes.byteLength - incompleteTail(bytes) : begun;
}

/** By ECMA-48, as terminals read it. */
function after(state: Exclude<State, "ground">, byte: number): State {
  if (byte === cancel || byte === substitute) return "ground";
  switch (state) {
    case "escape":
    case "stringEscape":
      return afterEscape(byte);
    case "control":
      if (byte === escapeByte) return "escape";
      return byte >= 0x40 && byte <= 0x7e ? "ground" : "control";
    case "string":
      if (byte === escapeByte) return "stringEscape";
      return byte === bell ? "ground" : "string";
  }
}

function afterEscape(byte: number): State {
  if (byte === escapeByte) return "escape";
  // CSI; then OSC, DCS, SOS, PM and APC, which end with ST.
  if (byte === 0x5b) return "control";
  if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) return "string";
  // Intermediate bytes of a short sequence, and control characters, which are carried out within it.
  return byte < 0x30 ? "escape" : "ground";
}

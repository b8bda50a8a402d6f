import { incompleteTail } from "../wholeText.ts";

const escapeByte = 0x1b;
const bell = 0x07;
const cancel = 0x18;
const substitute = 0x1a;

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
    if (state === "ground") {
      if (byte !== escapeByte) continue;
      state = "escape";
      begun = at;
    } else {
      state = after(state, byte);
    }
  }
  if (state !== "ground") return begun;
  return bytes.byteLength - incompleteTail(bytes);
}

/** By ECMA-48, as terminals read it: within a control sequence, a new one begins with its own escape. */
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

/** What is shown late of a sequence: as it is, not at all, or something else in its place. */
export type ShownLate = "all" | "nothing" | readonly number[];

/** Reports of the size and the state of the window, and of its titles. */
const windowReports: ReadonlySet<string> = new Set(["11", "13", "14", "15", "16", "18", "19", "20", "21"]);

/** Modes of which a terminal tells the state as soon as they are set: focus, colour scheme, size. */
const tellingModes: ReadonlySet<string> = new Set(["1004", "2031", "2048"]);

/**
 * Control sequences that are answered, by marks in front, marks behind and the final byte: attributes, states and positions,
 * modes, checksums, keyboards, graphics, names, settings, locators.
 */
const queries: readonly RegExp[] = [
  /^[>=]?[^?]*c$/,
  /^[^>]*n$/,
  /^[\d;:]*x$/,
  /^.*\$p$/,
  /^.*\*y$/,
  /^.*\$w$/,
  /^.*[&$]u$/,
  /^\?.*u$/,
  /^>.*q$/,
  /^\?.*[Smg]$/,
  /^.*#[RSPQ|]$/,
  /^.*'\|$/,
  /^.*\+x$/,
];

/** Commands that set titles, folders, links and marks: a question mark in them asks nothing. */
const tellingCommands: ReadonlySet<string> = new Set([
  "0",
  "1",
  "2",
  "6",
  "7",
  "8",
  "9",
  "133",
  "633",
  "777",
]);
/** Commands that are never carried out late: the clipboard, features, notices that are answered. */
const lateCommands: ReadonlySet<string> = new Set(["52", "60", "61", "99", "5522"]);
/** Colours and fonts, which may be asked for anywhere behind a long list. */
const askableCommand = /^(?:3|4|5|1\d|21|22|50)$/;

const escapeCode = 0x1b;
const escapeTable: Readonly<Record<string, string>> = {
  "\u009b": "[",
  "\u009d": "]",
  "\u0090": "P",
  "\u0098": "X",
  "\u009e": "^",
  "\u009f": "_",
};

/** Judges a whole sequence. */
export function shownLate(bytes: readonly number[]): ShownLate {
  const { kind, body } = partsOf(bytes);
  switch (kind) {
    case "[":
      return lateControl(body);
    case "]":
      return isAskingCommand(body) ? "nothing" : "all";
    case "P":
      return isAskingString(body) ? "nothing" : "all";
    case "_":
      return isGraphics(body) ? "nothing" : "all";
    case "Z":
    case "\u009a":
      return "nothing";
    default:
      return "all";
  }
}

/** True for what terminals carry out when another sequence begins, and not only when it is whole. */
export function isString(bytes: readonly number[]): boolean {
  return ["]", "P", "X", "^", "_"].includes(partsOf(bytes).kind);
}

/** Judges the beginning of a long one. */
export function isLongQuery(bytes: readonly number[]): boolean {
  const { kind, body } = partsOf(bytes);
  const [number = ""] = body.split(";", 1);
  if (kind === "]") return askableCommand.test(number) || isAskingCommand(body);
  if (kind === "P") return isAskingString(body);
  return kind === "[" || (kind === "_" && isGraphics(body));
}

/** What begins it, and what stands behind that. */
function partsOf(bytes: readonly number[]): { readonly kind: string; readonly body: string } {
  const text = String.fromCharCode(...bytes.filter((byte) => byte !== 0xc2));
  const isSeven = bytes[0] === escapeCode;
  const first = isSeven ? (text[1] ?? "") : (escapeTable[text[0] ?? ""] ?? text[0] ?? "");
  return { kind: first, body: text.slice(isSeven ? 2 : 1) };
}

function lateControl(body: string): ShownLate {
  const plain = printable(body);
  const parameters = plain.slice(0, -1);
  if (plain.endsWith("t") && /^[\d;]*$/.test(parameters))
    return windowReports.has(String(Number(parameters.split(";", 1)[0]))) ? "nothing" : "all";
  if (plain.endsWith("h") && parameters.startsWith("?")) return lateModes(parameters.slice(1));
  return queries.some((query) => query.test(plain)) ? "nothing" : "all";
}

/** Setting modes, but those that are answered. */
function lateModes(list: string): ShownLate {
  const modes = list.split(";");
  const kept = modes.filter((mode) => !tellingModes.has(mode.replace(/^0+/, "")));
  if (kept.length === modes.length) return "all";
  return kept.length === 0 ? "nothing" : [...`\u001b[?${kept.join(";")}h`].map((one) => one.charCodeAt(0));
}

function isAskingCommand(body: string): boolean {
  const plain = printable(body);
  const [name = ""] = plain.split(";", 1);
  const number = /^\d+$/.test(name) ? String(Number(name)) : name;
  if (lateCommands.has(number)) return true;
  if (number === "1337") return /^0*1337;(?:Report|Request|Copy|EndCopy|Paste)/i.test(plain);
  return !tellingCommands.has(number) && plain.includes("?");
}

/** Settings (`$q`), names of capabilities (`+q`), and what is handed on to the terminal around another one. */
function isAskingString(body: string): boolean {
  const plain = printable(body);
  return /^[\d;:<=>?]*[$+][qQ]/.test(plain) || /^tmux;/.test(plain);
}

/** Pictures of kitty are answered with `OK`. */
function isGraphics(body: string): boolean {
  return printable(body).startsWith("G");
}

/** Terminals leave everything else out when they read a sequence. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "");
}

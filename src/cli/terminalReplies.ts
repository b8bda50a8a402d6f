const escapeCharacter = "\u001b";
const bell = "\u0007";
const endOfString = `${escapeCharacter}\\\\`;

/** Attributes, states, positions, modes, sizes; focus; colours and the clipboard; settings and names. */
const kinds = [
  String.raw`\[[?>=]?[\d;]*(?:\$y|[cRnxt])`,
  String.raw`\[[IO]`,
  `\\][^${bell}${escapeCharacter}]*(?:${bell}|${endOfString})`,
  `[P_][^${escapeCharacter}]*${endOfString}`,
];

/** What terminals say on their own. */
const replies = new RegExp(`${escapeCharacter}(?:${kinds.join("|")})`, "g");

/** Takes that out of what has been typed. */
export function withoutReplies(typed: Uint8Array): Uint8Array {
  if (!typed.includes(escapeCharacter.charCodeAt(0))) return typed;
  return Buffer.from(Buffer.from(typed).toString("latin1").replace(replies, ""), "latin1");
}

/** What terminals say on their own: attributes, states, positions, modes, sizes, colours, settings, focus. */
const replies =
  /\u001b\[[?>=]?[\d;]*(?:\$y|[cRnxt])|\u001b\[[IO]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[P_][^\u001b]*\u001b\\/g;

/** Takes them out of what has been typed. */
export function withoutReplies(typed: Uint8Array): Uint8Array {
  if (!typed.includes(0x1b)) return typed;
  return Buffer.from(Buffer.from(typed).toString("latin1").replace(replies, ""), "latin1");
}

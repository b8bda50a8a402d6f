import { ErrandError } from "../core/errors.ts";

/** Begins a subprotocol that carries a token, which follows as base64url: browsers send no other header with a WebSocket. */
export const tokenProtocol = "errand.token.";

/** More than any token has. */
const mostTokenBytes = 4_096;

/**
 * The token that is offered as a subprotocol; null when none is. Throws `unauthorized` for two, and for what is no token:
 * no other spelling stands for the same one.
 */
export function offeredToken(offered = ""): Uint8Array | null {
  const names = offered.split(",").map((name) => name.trim());
  const [found, ...more] = names.filter((name) => name.startsWith(tokenProtocol));
  if (found === undefined) return null;
  if (more.length > 0) throw new ErrandError("unauthorized", `${tokenProtocol}… must be offered once`);
  const text = found.slice(tokenProtocol.length);
  const token = Buffer.from(text, "base64url");
  if (token.length > 0 && token.length <= mostTokenBytes && token.toString("base64url") === text)
    return token;
  throw new ErrandError(
    "unauthorized",
    `${tokenProtocol}… must end with the token as base64url without padding, of at most ${mostTokenBytes} bytes`,
  );
}

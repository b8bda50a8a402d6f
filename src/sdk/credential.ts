/** The header that carries a token. */
export function tokenHeaders(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/**
 * With a credential of its own a request takes none of the browser's: with those, a browser would answer a refusal by asking
 * its user for a password, and hold the call until it has one.
 */
export function ownCredential(credential: string | undefined): Pick<RequestInit, "credentials"> {
  return credential === undefined ? {} : { credentials: "omit" };
}

/** The subprotocols that carry a token, for WebSockets without headers, such as those of browsers. */
export function tokenProtocols(token: string | undefined): readonly string[] {
  if (token === undefined) return [];
  const base64url = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return [`errand.token.${base64url}`];
}

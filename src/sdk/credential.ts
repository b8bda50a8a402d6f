/** The header that carries a token. */
export function tokenHeaders(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** The subprotocols that carry a token, for WebSockets without headers, such as those of browsers. */
export function tokenProtocols(token: string | undefined): readonly string[] {
  if (token === undefined) return [];
  const base64url = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return [`errand.token.${base64url}`];
}

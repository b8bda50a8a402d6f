/** The address that paths are put behind. Throws `TypeError` for what can be none. */
export function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("url: an address such as http://127.0.0.1:8099 is needed");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("url: no user, query or fragment is allowed");
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** What an error of the platform says, with what is below it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

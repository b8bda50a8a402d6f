import type { IncomingMessage } from "node:http";
import { ErrandError } from "../../core/errors.ts";

const accepted = ["application/xml", "text/xml"];

/**
 * A form or a page in a browser must not be able to start a command: for these types it asks first, so that with an
 * Origin one of them must be said. Throws `forbidden`.
 */
export function checkContentType({ headers }: IncomingMessage): void {
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === undefined ? headers.origin === undefined : accepted.includes(type)) return;
  const found = type === undefined ? "with an Origin" : `content type ${JSON.stringify(type)}:`;
  throw new ErrandError("forbidden", `${found} ${accepted.join(" or ")} is needed`);
}

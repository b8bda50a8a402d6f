import type { IncomingMessage } from "node:http";
import { ErrandError } from "../core/errors.ts";

const json = "application/json";

/**
 * A form or a page in a browser must not be able to start a command: only these content types are taken, or none, and
 * with an Origin only JSON, for which a browser asks first. Throws `forbidden`.
 */
export function checkSource({ headers }: IncomingMessage, acceptedTypes: readonly string[] = [json]): void {
  if (headers["sec-fetch-site"] === "cross-site") {
    throw new ErrandError("forbidden", "requests that a page of another site has made are refused");
  }
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (headers.origin !== undefined) {
    if (type === json) return;
    throw new ErrandError("forbidden", `with an Origin the content type must be ${json}`);
  }
  if (type === undefined || acceptedTypes.includes(type)) return;
  const allowed = acceptedTypes.join(" or ");
  throw new ErrandError("forbidden", `content type ${JSON.stringify(type)}: ${allowed} is needed`);
}

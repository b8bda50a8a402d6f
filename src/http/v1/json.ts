import { ErrandError } from "../../core/errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The JSON value of a body. Throws `invalid-request`. */
export function readJson(body: ArrayBuffer, type: string | undefined): unknown {
  if (type?.split(";", 1)[0]?.trim().toLowerCase() !== "application/json") {
    throw new ErrandError("invalid-request", "the content type of the body must be application/json");
  }
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new ErrandError("invalid-request", "the body is not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ErrandError("invalid-request", "the body is no JSON");
  }
}

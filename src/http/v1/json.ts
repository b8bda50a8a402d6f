import { ErrandError } from "../../core/errors.ts";
import { parseJson } from "../jsonFields.ts";

/** The JSON value of a body of that content type. Throws `invalid-request`. */
export function readJson(body: ArrayBuffer | Uint8Array, type: string | undefined): unknown {
  if (type?.split(";", 1)[0]?.trim().toLowerCase() === "application/json")
    return parseJson(body instanceof Uint8Array ? body : new Uint8Array(body));
  throw new ErrandError("invalid-request", "the content type of the body must be application/json");
}

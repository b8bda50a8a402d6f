import { JsonFormError } from "./errors.ts";

/** stub */
export function jsonFromXml(text: string): string {
  throw new JsonFormError(text, 0);
}

import { ErrandError } from "../../core/errors.ts";

/** An error in what was sent. */
export function invalid(why: string): ErrandError {
  return new ErrandError("invalid-request", why);
}

/** Longer texts of clients are cut where they are told. */
const mostShown = 100;

/** What a client has sent, as it is told. */
export function shown(text: string): string {
  return JSON.stringify(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text);
}

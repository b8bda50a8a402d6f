import type { CallbackPolicy } from "../core/callbackPorts.ts";
import { ErrandError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import { type AllowedAddresses, literalAddress } from "./addresses.ts";

/** Says which addresses may be called, for messages. */
export const allowedWords = "public addresses are allowed, and those in callbacks.allowPrivate";

// Read before `URL` does, which repairs too much: it drops line ends, adds slashes and turns backslashes round.
const start = /^https?:\/\/(?![/\\])/i;
const unseen = /[\s\p{Cc}]/u;
const userinfo = /^[^/]*\/\/[^/?#\\]*@/;

/** Looks at the URL alone, before anything runs; what a name stands for is looked at when it is called. */
export class UrlPolicy implements CallbackPolicy {
  readonly #addresses: AllowedAddresses;
  readonly #limits: Pick<Limits, "callbackUrlBytes">;

  constructor(addresses: AllowedAddresses, limits: Pick<Limits, "callbackUrlBytes">) {
    this.#addresses = addresses;
    this.#limits = limits;
  }

  check(url: string): void {
    this.#checkLength(url);
    if (unseen.test(url) || !url.isWellFormed()) throw invalid("holds a space or a control character");
    if (!start.test(url)) throw invalid("must begin with http:// or https:// and a host");
    if (userinfo.test(url)) throw forbidden("must not hold a user or a password");
    const parsed = URL.parse(url);
    if (parsed === null) throw invalid("is no valid http or https URL");
    this.#checkLength(parsed.href);
    const address = literalAddress(parsed);
    if (address === null || this.#addresses.allows(address)) return;
    throw forbidden(`goes to ${address}, which is not allowed: ${allowedWords}`);
  }

  #checkLength(url: string): void {
    const most = this.#limits.callbackUrlBytes;
    if (Buffer.byteLength(url) <= most) return;
    throw invalid(`is longer than ${most} bytes (limits.callbackUrlBytes)`);
  }
}

function invalid(what: string): ErrandError {
  return new ErrandError("invalid-spec", `the callback's URL ${what}`);
}

function forbidden(what: string): ErrandError {
  return new ErrandError("forbidden", `the callback's URL ${what}`);
}

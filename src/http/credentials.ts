import { createHash, timingSafeEqual } from "node:crypto";
import { ErrandError } from "../core/errors.ts";
import type { Principal } from "./exchange.ts";

/** A credential that is accepted: the SHA-256 of the secret, in hexadecimal. */
export interface AcceptedToken {
  readonly name: string;
  readonly sha256: string;
}

const howTo = "send the token as `Authorization: Bearer <token>`, or as the password of Basic";

/** Checks tokens against digests; how long that takes does not depend on the token. */
export class Credentials {
  readonly #accepted: readonly { readonly principal: Principal; readonly digest: Buffer }[];
  readonly #open: Principal | null;

  /** `open`: nobody needs a credential. */
  constructor(tokens: readonly AcceptedToken[], { open }: { open: boolean }) {
    this.#accepted = tokens.map(({ name, sha256 }) => ({
      principal: { name },
      digest: Buffer.from(sha256, "hex"),
    }));
    this.#open = open ? { name: "anyone" } : null;
  }

  /** True when nobody needs a credential: then none is looked at. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Who that is, by the value of the Authorization header. Throws `unauthorized`. */
  check(authorization: string | undefined): Principal {
    if (this.#open !== null) return this.#open;
    if (authorization === undefined)
      throw new ErrandError("unauthorized", `a credential is needed: ${howTo}`);
    const token = readToken(authorization);
    if (token === null) throw new ErrandError("unauthorized", `the credential cannot be read: ${howTo}`);
    const digest = createHash("sha256").update(token).digest();
    let found: Principal | null = null;
    for (const { principal, digest: accepted } of this.#accepted) {
      if (timingSafeEqual(digest, accepted)) found = principal;
    }
    if (found === null) throw new ErrandError("unauthorized", "the token is not known here");
    return found;
  }
}

function readToken(authorization: string): string | null {
  const [, scheme, value] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return null;
  if (scheme.toLowerCase() === "bearer") return value;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return null;
  const decoded = Buffer.from(value, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  return colon < 0 ? null : decoded.slice(colon + 1);
}

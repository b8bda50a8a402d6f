import { createHash } from "node:crypto";
import { ErrandError } from "../core/errors.ts";
import type { Scope } from "../core/scopes.ts";
import { DigestIndex } from "./digestIndex.ts";
import type { Principal } from "./exchange.ts";

/** A credential that is accepted: the SHA-256 of the secret, in hexadecimal. */
export interface AcceptedToken {
  readonly name: string;
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970, from then on it is refused; without it, or null, never. */
  readonly expiresAt?: number | null;
}

interface CredentialOptions {
  /** Nobody needs a credential. */
  readonly open: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Accepted {
  readonly principal: Principal;
  readonly expiresAt: number;
}

/** Between two looks at the clock while a token is to expire. */
const longestWaitMilliseconds = 60_000;

const howTo = "send the token as `Authorization: Bearer <token>`, or as the password of Basic";

/** Checks tokens against digests; how long that takes does not depend on the token. */
export class Credentials {
  readonly #accepted = new DigestIndex<Accepted>();
  readonly #open: Principal | null;
  readonly #now: () => number;
  readonly #watchers = new Set<() => void>();
  /** When accepted tokens expire, milliseconds since 1970. */
  readonly #expiries = new Set<number>();
  #timer: Timer | null = null;

  constructor(tokens: readonly AcceptedToken[], { open, now }: CredentialOptions) {
    this.#now = now;
    this.#open = open ? { name: "anyone", scopes: ["admin"] } : null;
    for (const token of tokens) this.accept(token);
  }

  /** True when nobody needs a credential: then none is looked at. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** From now on this token counts, too. Of two with one secret the earlier one counts. */
  accept({ name, sha256, scopes, expiresAt }: AcceptedToken): void {
    const digest = Buffer.from(sha256, "hex");
    if (this.#accepted.find(digest) !== null) return;
    this.#accepted.set(digest, {
      principal: { name, scopes },
      expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    });
    if (expiresAt === undefined || expiresAt === null || expiresAt <= this.#now()) return;
    this.#expiries.add(expiresAt);
    this.#lookLater();
  }

  /** From now on it does not: the next request with it is refused, on whatever connection. */
  withdraw(sha256: string): void {
    this.#accepted.delete(Buffer.from(sha256, "hex"));
    this.#tellLost();
  }

  /** Calls back when tokens have been withdrawn or have expired; the function given back ends that. */
  onLost(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  #tellLost(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** A clock that is set is noticed after a while. */
  #lookLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#expiries.size === 0) return;
    const wait = Math.max(0, Math.min(...this.#expiries) - this.#now());
    this.#timer = setTimeout(() => this.#look(), Math.min(wait, longestWaitMilliseconds));
    this.#timer.unref();
  }

  #look(): void {
    const now = this.#now();
    const over = [...this.#expiries].filter((expiry) => expiry <= now);
    for (const expiry of over) this.#expiries.delete(expiry);
    if (over.length > 0) this.#tellLost();
    this.#lookLater();
  }

  /** Who that is, by the value of the Authorization header. Throws `unauthorized`. */
  check(authorization: string | undefined): Principal {
    if (this.#open !== null) return this.#open;
    if (authorization === undefined)
      throw new ErrandError("unauthorized", `a credential is needed: ${howTo}`);
    const token = readToken(authorization);
    if (token === null) throw new ErrandError("unauthorized", `the credential cannot be read: ${howTo}`);
    return this.checkToken(token);
  }

  /** Who that is, by the token itself. Throws `unauthorized`. */
  checkToken(token: string | Uint8Array): Principal {
    if (this.#open !== null) return this.#open;
    const found = this.#accepted.find(createHash("sha256").update(token).digest());
    if (found === null) throw new ErrandError("unauthorized", "the token is not known here");
    if (found.expiresAt <= this.#now()) throw new ErrandError("unauthorized", "the token has expired");
    return found.principal;
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

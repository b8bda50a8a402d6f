import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ErrandError } from "../../core/errors.ts";
import type { NonceRecord } from "../../core/ports.ts";
import type { Principal, Unauthenticated } from "../exchange.ts";
import { countHeaders } from "../guard.ts";

/** A secret that clients sign with. */
export interface SidecarCredential {
  readonly name: string;
  readonly secretKey: string;
}

export interface SignatureParts {
  readonly credentials: readonly SidecarCredential[];
  readonly nonces: NonceRecord;
  /** So far may a signature's time be off. */
  readonly windowSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The headers of a signature, and what each may hold: lengths are bounded before anything is kept or computed. */
const headers = {
  "x-auth-nonce": { pattern: /^[\x21-\x7e]{1,128}$/, allowed: "1 to 128 visible ASCII characters" },
  "x-auth-timestamp": { pattern: /^\d{1,12}$/, allowed: "the Unix time in whole seconds" },
  "x-auth-signature": { pattern: /^[0-9A-Fa-f]{40}$/, allowed: "40 hexadecimal digits" },
} as const;

type HeaderName = keyof typeof headers;
const headerNames = Object.keys(headers) as HeaderName[];

/** True when a request is meant to be signed. */
export function isSigned(request: IncomingMessage): boolean {
  return headerNames.some((name) => request.headers[name] !== undefined);
}

/** Checks signed requests: each counts once, and only for a while. */
export class Signatures {
  readonly #parts: SignatureParts;

  constructor(parts: SignatureParts) {
    // Anybody could sign with it.
    if (parts.credentials.some(({ secretKey }) => secretKey === "")) throw new Error("a secret key is empty");
    this.#parts = parts;
  }

  /**
   * Who has signed. What can be refused by the head alone is refused before the body is read. Throws `unauthorized`, or
   * what receiving the body throws.
   */
  async check({ request, path, body }: Unauthenticated): Promise<Principal> {
    const { credentials, nonces, windowSeconds, now } = this.#parts;
    if (credentials.length === 0)
      throw refused("no signature is accepted here: no [[sidecar]] is configured");
    const nonce = only(request, "x-auth-nonce");
    const timestamp = only(request, "x-auth-timestamp");
    const signature = Buffer.from(only(request, "x-auth-signature"), "hex");
    this.#checkTime(timestamp);
    const head = `${request.method}\n${path}\n${nonce}\n${timestamp}\n`;
    const principal = this.#signer(head, await body(), signature);
    // The body may have taken its time.
    this.#checkTime(timestamp);
    const until = (Number(timestamp) + windowSeconds) * 1_000;
    if (!nonces.take(nonce, until, now())) throw refused("the nonce has been used before");
    return principal;
  }

  #checkTime(timestamp: string): void {
    const { windowSeconds, now } = this.#parts;
    const offSeconds = Math.abs(now() / 1_000 - Number(timestamp));
    if (offSeconds <= windowSeconds) return;
    const off = `${Math.ceil(offSeconds)} s off; at most ${windowSeconds} s are allowed`;
    throw refused(`the time of the signature is ${off}`);
  }

  /** Every secret is tried, and each to the end: how long that takes tells nothing. */
  #signer(head: string, body: Uint8Array, signature: Buffer): Principal {
    let found: Principal | null = null;
    for (const { name, secretKey } of this.#parts.credentials) {
      const expected = createHmac("sha1", secretKey).update(head).update(body).digest();
      if (timingSafeEqual(expected, signature)) found ??= { name, scopes: ["run"] };
    }
    if (found === null) throw refused("the signature does not match");
    return found;
  }
}

/** The value of a header that must be there once. Of two, each side of a proxy might believe another. */
function only(request: IncomingMessage, name: HeaderName): string {
  const value = request.headers[name];
  if (typeof value !== "string" || countHeaders(request, name) !== 1) {
    throw refused(`a signed request has exactly one header ${name}`);
  }
  const { pattern, allowed } = headers[name];
  if (!pattern.test(value)) throw refused(`header ${name} must be ${allowed}`);
  return value;
}

function refused(why: string): ErrandError {
  return new ErrandError("unauthorized", why);
}

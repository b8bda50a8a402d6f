import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const keyBytes = 32;

interface Entry<Value> {
  readonly digest: Buffer;
  readonly value: Value;
}

/**
 * Values by the SHA-256 of a secret. Entries are found under an HMAC whose key is this process's own, so how long a
 * look takes tells nothing about any digest, however many there are.
 */
export class DigestIndex<Value> {
  readonly #key = randomBytes(keyBytes);
  readonly #entries = new Map<string, Entry<Value>>();

  /** A later value takes the place of an earlier one. */
  set(digest: Buffer, value: Value): void {
    this.#entries.set(this.#place(digest), { digest, value });
  }

  delete(digest: Buffer): void {
    this.#entries.delete(this.#place(digest));
  }

  find(digest: Buffer): Value | null {
    const entry = this.#entries.get(this.#place(digest));
    return entry !== undefined && timingSafeEqual(entry.digest, digest) ? entry.value : null;
  }

  #place(digest: Buffer): string {
    return createHmac("sha256", this.#key).update(digest).digest("base64");
  }
}

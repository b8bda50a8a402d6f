import type { Scope } from "./scopes.ts";

/** A token that was made while the server ran, as it may be shown. */
export interface Token {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; null: it does not expire. */
  readonly expiresAt: number | null;
}

/** What is kept of it: the secret by its SHA-256 alone, in hexadecimal. */
export interface StoredToken extends Token {
  readonly sha256: string;
}

/** Tokens across restarts. What was changed is on the disk when the call returns. */
export interface TokenRecord {
  /** Oldest first. */
  all(): StoredToken[];
  put(token: StoredToken): void;
  remove(id: string): void;
}

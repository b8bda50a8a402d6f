import { createHash, randomBytes } from "node:crypto";
import { ErrandError } from "../core/errors.ts";
import type { Scope } from "../core/scopes.ts";
import { allowsScope } from "../core/scopes.ts";
import type { StoredToken, Token, TokenRecord } from "../core/tokens.ts";
import type { AcceptedToken, Credentials } from "./credentials.ts";
import type { Principal } from "./exchange.ts";

const secretBytes = 32;
const idBytes = 8;
/** Tokens of the API at most, so that nobody fills the disk with them. */
export const mostTokens = 1_000;

/** A token that does not come from the API, and cannot be revoked by it. */
export interface FixedToken extends AcceptedToken {
  readonly source: "local" | "configuration";
}

/** A token as the list shows it. */
export interface ListedToken extends Omit<Token, "createdAt"> {
  readonly source: "local" | "configuration" | "api";
  /** Null: nobody knows. */
  readonly createdAt: number | null;
}

interface WantedToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number | null;
}

interface IssuedTokenParts {
  readonly record: TokenRecord;
  /** Where tokens count. */
  readonly credentials: Pick<Credentials, "accept" | "withdraw">;
  readonly fixed: readonly FixedToken[];
  /** Names of others that may start jobs: an owner must be one of them, and not two. */
  readonly reserved: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Tokens that are made and revoked while the server runs. All are held in memory; the record is for the next server. */
export class IssuedTokens {
  readonly #parts: IssuedTokenParts;
  readonly #tokens = new Map<string, StoredToken>();
  readonly #reserved: ReadonlySet<string>;

  /** Tokens on record count from here on. */
  constructor(parts: IssuedTokenParts) {
    this.#parts = parts;
    this.#reserved = new Set(["anyone", ...parts.fixed.map(({ name }) => name), ...parts.reserved]);
    for (const token of parts.record.all()) {
      this.#tokens.set(token.id, token);
      parts.credentials.accept(token);
    }
  }

  /**
   * Makes a token that counts at once, and gives its secret, which nobody can ask for again. Throws `forbidden` for
   * more than the maker may do, `invalid-spec` for a name that is taken or a time that is over, `too-many-requests`.
   */
  make(wanted: WantedToken, maker: Principal): { readonly token: Token; readonly secret: string } {
    const { record, credentials, now } = this.#parts;
    const createdAt = Math.floor(now());
    const missing = wanted.scopes.find((scope) => !allowsScope(maker.scopes, scope));
    if (missing !== undefined)
      throw new ErrandError("forbidden", `scopes: a token can get ${missing} only from one that has it`);
    if (wanted.expiresAt !== null && wanted.expiresAt <= createdAt)
      throw new ErrandError("invalid-spec", "expiresAt: that time is over; a later one is allowed");
    this.#forgetExpired(createdAt);
    if (this.#isTaken(wanted.name))
      throw new ErrandError("invalid-spec", `name: there is a token ${wanted.name}; another name is allowed`);
    if (this.#tokens.size >= mostTokens)
      throw new ErrandError("too-many-requests", `there are ${mostTokens} tokens, which is the limit`);
    const secret = randomBytes(secretBytes).toString("base64url");
    const id = randomBytes(idBytes).toString("hex");
    const sha256 = createHash("sha256").update(secret).digest("hex");
    const { name, scopes, expiresAt } = wanted;
    const stored = { id, name, sha256, scopes, createdAt, expiresAt };
    record.put(stored);
    this.#tokens.set(id, stored);
    credentials.accept(stored);
    return { token: { id, name, scopes, createdAt, expiresAt }, secret };
  }

  /** All that are accepted, and those that have expired since the last one was made. */
  list(): ListedToken[] {
    const fixed = this.#parts.fixed.map(({ name, scopes, source }) => {
      const id = source === "local" ? source : `${source}:${name}`;
      return { id, name, scopes, source, createdAt: null, expiresAt: null };
    });
    const issued = [...this.#tokens.values()].map(({ sha256: _, ...token }) => ({
      ...token,
      source: "api" as const,
    }));
    return [...fixed, ...issued];
  }

  /** Refuses the token from now on; gives its name. Throws `not-found`, and `forbidden` for one that is fixed. */
  revoke(id: string): string {
    const token = this.#tokens.get(id);
    if (token === undefined) throw this.#cannotRevoke(id);
    this.#remove(token);
    return token.name;
  }

  #cannotRevoke(id: string): ErrandError {
    const { source } = this.list().find((token) => token.id === id) ?? {};
    if (source === "local")
      return new ErrandError(
        "forbidden",
        "the local token is made anew when its file is removed and the server started",
      );
    if (source === "configuration")
      return new ErrandError("forbidden", "this token stands in the configuration: remove it there");
    return new ErrandError("not-found", "there is no such token");
  }

  #isTaken(name: string): boolean {
    return this.#reserved.has(name) || [...this.#tokens.values()].some((token) => token.name === name);
  }

  #forgetExpired(now: number): void {
    for (const token of this.#tokens.values()) {
      if (token.expiresAt !== null && token.expiresAt <= now) this.#remove(token);
    }
  }

  /** It counts no more, whatever the disk says; while it is on record it can be removed once more. */
  #remove({ id, sha256 }: StoredToken): void {
    this.#parts.credentials.withdraw(sha256);
    this.#parts.record.remove(id);
    this.#tokens.delete(id);
  }
}

import type { JobRecord } from "./jobTypes.ts";

/** What the server tells of itself. */
export interface ServerInfo {
  readonly version: string;
  readonly releaseDate: string | null;
  readonly node: string;
  readonly startedAt: string;
  readonly runningJobs: number;
  /** Every limit by its name, with its unit in the name. */
  readonly limits: Readonly<Record<string, number>>;
}

export type Scope = "read" | "run" | "admin";

export interface TokenSpec {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** RFC 3339; without it, or null, the token holds until it is revoked. */
  readonly expiresAt?: string | Date | null | undefined;
}

interface TokenFields {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: string | null;
}

/** A token without its secret. */
export interface Token extends TokenFields {
  /** Null when nobody knows. */
  readonly createdAt: string | null;
  /** Only those of the API can be revoked by it. */
  readonly source: "local" | "configuration" | "api";
}

/** A token that has just been made. */
export interface NewToken extends TokenFields {
  readonly createdAt: string;
  /** It is shown this once. */
  readonly secret: string;
}

/** Something that happened to any job. */
export type LifecycleEvent =
  | { readonly type: "job.started" | "job.ended" | "job.failed"; readonly job: JobRecord }
  /** Events that this listener has missed; null when nobody counted, as after a cut. */
  | { readonly type: "gap"; readonly missed: number | null };

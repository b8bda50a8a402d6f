import type { Limits } from "../core/limits.ts";
import type { Scope } from "../core/scopes.ts";

/** A place to listen at. Port 0 takes a free one. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** One accepted credential: the SHA-256 of its secret. */
export interface TokenSetting {
  readonly name: string;
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** One credential of the sidecar door. */
export interface SidecarSetting {
  readonly name: string;
  readonly secretKey: string;
}

/** How jobs tell of their end. */
export interface CallbackSettings {
  /** Networks that may be called beside public addresses. */
  readonly allowPrivate: readonly string[];
  /** Holds the secret that callbacks are signed with; null: one is made in the data directory. */
  readonly signingSecretFile: string | null;
  /** The waits between tries; null: the standard schedule. */
  readonly retrySeconds: readonly number[] | null;
}

/** Code pages that requests of the door flexideo name without a number. */
export interface FlexideoSettings {
  /** The ANSI code page, `acp`. */
  readonly acp: number;
  /** The OEM code page, which programs speak unless a request says otherwise. */
  readonly oem: number;
}

/** Everything that `errand serve` goes by, from defaults, file, environment and flags, already checked. */
export interface Settings {
  readonly configFile: string | null;
  readonly listen: readonly Address[];
  readonly data: string;
  readonly auth: "token" | "none";
  /** Off loopback without authentication, by explicit wish. */
  readonly insecure: boolean;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** What every job starts with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tokens: readonly TokenSetting[];
  readonly sidecars: readonly SidecarSetting[];
  readonly callbacks: CallbackSettings;
  readonly flexideo: FlexideoSettings;
  readonly limits: Limits;
  readonly logLevel: "info" | "debug" | "trace";
  /** The soft limit of open files that the operator set; null when it is not known. */
  readonly softOpenFiles: number | null;
}

/** A configuration that cannot be used. `exitCode`: 64 usage, 78 configuration, as in sysexits.h. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly exitCode: 64 | 78;

  constructor(message: string, exitCode: 64 | 78) {
    super(message);
    this.exitCode = exitCode;
  }
}

import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { type LimitName, limitTable } from "../core/limits.ts";
import { readCallbacks } from "./callbacks.ts";
import { readFlexideo } from "./flexideo.ts";
import {
  type CallbackSettings,
  ConfigError,
  type FlexideoSettings,
  type SidecarSetting,
  type TokenSetting,
} from "./settings.ts";
import { readSidecars } from "./sidecars.ts";
import { readTokens } from "./tokens.ts";
import { refuseUnknown } from "./unknown.ts";
import * as values from "./values.ts";

/** What a configuration file may say; what it does not say is undefined. */
export interface FileSettings {
  readonly listen?: readonly string[];
  readonly data?: string;
  readonly auth?: string;
  readonly hosts?: readonly string[];
  readonly origins?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly inherit: readonly string[];
  readonly tokens: readonly TokenSetting[];
  readonly sidecars: readonly SidecarSetting[];
  readonly callbacks: Partial<CallbackSettings>;
  readonly flexideo?: Partial<FlexideoSettings>;
  readonly limits: Partial<Record<LimitName, number>>;
}

const noFile: FileSettings = {
  environment: {},
  inherit: [],
  tokens: [],
  sidecars: [],
  callbacks: {},
  limits: {},
};

const sections = ["server", "environment", "token", "sidecar", "callbacks", "flexideo", "limits"];
const serverKeys = ["listen", "data", "auth", "hosts", "origins", "trustedProxies"];

/** Reads a configuration file. Throws `ConfigError` (78) that names the key, its value and what is allowed. */
export function readConfigFile(path: string): FileSettings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(
      `cannot read the configuration: ${error instanceof Error ? error.message : error}`,
      78,
    );
  }
  try {
    return readSettings(parse(text) as values.Table);
  } catch (error) {
    throw new ConfigError(`${path}: ${error instanceof Error ? error.message : error}`, 78);
  }
}

function readSettings(root: values.Table): FileSettings {
  refuseUnknown("", root, sections);
  const server = values.table(root, "server");
  refuseUnknown("server", server, serverKeys);
  const { inherit, ...environment } = values.table(root, "environment");
  return {
    ...noFile,
    ...values.defined({
      listen: values.texts(server, "server", "listen"),
      data: values.text(server, "server", "data"),
      auth: values.text(server, "server", "auth"),
      hosts: values.texts(server, "server", "hosts"),
      origins: values.texts(server, "server", "origins"),
      trustedProxies: values.texts(server, "server", "trustedProxies"),
      flexideo: root.flexideo === undefined ? undefined : readFlexideo(values.table(root, "flexideo")),
    }),
    environment: values.variables(environment),
    inherit: values.texts({ inherit: inherit ?? [] }, "environment", "inherit") ?? [],
    tokens: readTokens(values.tables(root, "token")),
    sidecars: readSidecars(values.tables(root, "sidecar")),
    callbacks: readCallbacks(values.table(root, "callbacks")),
    limits: readLimits(values.table(root, "limits")),
  };
}

function readLimits(table: values.Table): Partial<Record<LimitName, number>> {
  refuseUnknown("limits", table, Object.keys(limitTable));
  const limits: Partial<Record<LimitName, number>> = {};
  for (const [name, value] of Object.entries(table))
    limits[name as LimitName] = checkLimit(name as LimitName, value);
  return limits;
}

/** The value when it is within the limit's range. Throws with the range. */
export function checkLimit(name: LimitName, value: unknown): number {
  const { min, max, whole } = limitTable[name];
  const fits =
    typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
  if (fits) return value;
  throw new Error(
    `limits.${name} = ${values.show(value)}: a${whole ? " whole" : ""} number from ${min} to ${max} is allowed`,
  );
}

/** The settings when there is no file. */
export function withoutFile(): FileSettings {
  return noFile;
}

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { defaultLimits, type LimitName, type Limits, limitTable } from "../core/limits.ts";
import { nearestName } from "../core/nearest.ts";
import { formatAddress, isLoopback, parseAddress } from "./address.ts";
import { checkLimit, type FileSettings, readConfigFile, withoutFile } from "./file.ts";
import { codePageNumber, defaultCodePages } from "./flexideo.ts";
import { networks } from "./networks.ts";
import { type Address, ConfigError, type FlexideoSettings, type Settings } from "./settings.ts";
import { serverUser } from "./user.ts";
import { defined } from "./values.ts";

/** What flags may say; they win over the environment, which wins over the file. */
export interface Flags {
  readonly listen?: readonly string[];
  readonly data?: string;
  readonly config?: string;
  readonly auth?: string;
  readonly insecure?: boolean;
  readonly statusEvents?: number;
  readonly stdoutChunks?: number;
  readonly verbosity?: number;
  readonly acp?: number;
  readonly oem?: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

const defaultListen = ["127.0.0.1:8910"];
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const insecureFlag = "--insecure-allow-anyone-to-run-commands";

/** Puts everything together and checks it. Throws `ConfigError` with the exit code that fits. */
export function loadSettings(flags: Flags, variables: Variables): Settings {
  const early = flags.data ?? variables.ERRAND_DATA;
  const named = flags.config ?? variables.ERRAND_CONFIG;
  const beside = join(absolute(early ?? defaultData(variables)), "errand.toml");
  const configFile = named !== undefined ? absolute(named) : existsSync(beside) ? beside : null;
  const file = configFile === null ? withoutFile() : readConfigFile(configFile);
  const given = {
    listen: flags.listen ?? list(variables.ERRAND_LISTEN),
    auth: flags.auth ?? variables.ERRAND_AUTH,
  };
  const settings: Settings = {
    configFile,
    listen: addresses(given.listen ?? file.listen ?? defaultListen, given.listen === undefined ? 78 : 64),
    data: absolute(early ?? file.data ?? defaultData(variables)),
    auth: authMode(given.auth ?? file.auth ?? "token", given.auth === undefined ? 78 : 64),
    insecure: flags.insecure ?? false,
    hosts: list(variables.ERRAND_HOSTS) ?? file.hosts ?? [],
    origins: origins(list(variables.ERRAND_ORIGINS) ?? file.origins ?? []),
    trustedProxies: proxies(list(variables.ERRAND_TRUSTED_PROXIES) ?? file.trustedProxies ?? []),
    environment: jobVariables(file, variables),
    tokens: file.tokens,
    sidecars: file.sidecars,
    callbacks: { allowPrivate: [], signingSecretFile: null, retrySeconds: null, ...file.callbacks },
    flexideo: codePages(flags, variables, file),
    limits: limits(flags, variables, file),
    logLevel: (["info", "debug", "trace"] as const)[Math.min(flags.verbosity ?? 0, 2)] ?? "trace",
    softOpenFiles: openFiles(variables.ERRAND_SOFT_OPEN_FILES),
  };
  refuseUnsafe(settings);
  return settings;
}

function absolute(path: string): string {
  return resolve(path);
}

function defaultData(variables: Variables): string {
  const state = variables.XDG_STATE_HOME;
  return state !== undefined && isAbsolute(state)
    ? join(state, "errand")
    : join(homedir(), ".local/state/errand");
}

/** A variable that holds a list has its items parted by commas. */
function list(value: string | undefined): readonly string[] | undefined {
  return value?.split(",").flatMap((item) => (item.trim() === "" ? [] : [item.trim()]));
}

function addresses(texts: readonly string[], exitCode: 64 | 78): Address[] {
  if (texts.length === 0) throw new ConfigError("there must be at least one address to listen at", exitCode);
  return texts.map((text) => {
    const address = parseAddress(text);
    if (address !== null) return address;
    throw new ConfigError(
      `cannot listen at "${text}": allowed are HOST:PORT, [IPV6]:PORT, PORT and unix:PATH`,
      exitCode,
    );
  });
}

function authMode(text: string, exitCode: 64 | 78): "token" | "none" {
  if (text === "token" || text === "none") return text;
  throw new ConfigError(`auth "${text}": allowed are "token" and "none"`, exitCode);
}

function origins(texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.origin === "null" || url.origin !== text || text.includes("*")) {
      throw new ConfigError(
        `origin "${text}": it must be exact, as https://console.example:8443, without a path`,
        78,
      );
    }
  }
  return texts;
}

function proxies(texts: readonly string[]): readonly string[] {
  try {
    return networks("trustedProxies", texts);
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), 78);
  }
}

function jobVariables(file: FileSettings, variables: Variables): Record<string, string> {
  const user = serverUser();
  const inherited = defined(Object.fromEntries(file.inherit.map((name) => [name, variables[name]])));
  return {
    PATH: defaultPath,
    HOME: user.home,
    USER: user.name,
    SHELL: user.shell,
    LANG: "C.UTF-8",
    ...inherited,
    ...file.environment,
  };
}

function codePages(flags: Flags, variables: Variables, file: FileSettings): FlexideoSettings {
  const given = (name: "acp" | "oem", variable: string) => {
    if (flags[name] !== undefined) return flags[name];
    const text = variables[variable];
    if (text === undefined) return file.flexideo?.[name] ?? defaultCodePages[name];
    try {
      return codePageNumber(variable, /^\d+$/.test(text) ? Number(text) : text);
    } catch (error) {
      throw new ConfigError(error instanceof Error ? error.message : String(error), 64);
    }
  };
  return { acp: given("acp", "ERRAND_ACP"), oem: given("oem", "ERRAND_OEM") };
}

function limits(flags: Flags, variables: Variables, file: FileSettings): Limits {
  const fromEnvironment: Partial<Record<LimitName, number>> = {};
  const names = Object.keys(limitTable) as LimitName[];
  refuseUnknownLimits(variables, names.map(limitVariable));
  for (const name of names) {
    const variable = limitVariable(name);
    const value = variables[variable];
    if (value !== undefined)
      fromEnvironment[name] = inRange(name, Number(value === "" ? Number.NaN : value), variable);
  }
  const fromFlags = defined({
    statusEvents:
      flags.statusEvents === undefined
        ? undefined
        : inRange("statusEvents", flags.statusEvents, "--status-size"),
    stdoutChunks:
      flags.stdoutChunks === undefined
        ? undefined
        : inRange("stdoutChunks", flags.stdoutChunks, "--stdout-size"),
  });
  return { ...defaultLimits(), ...file.limits, ...fromEnvironment, ...fromFlags };
}

const limitPrefix = "ERRAND_LIMITS_";

function limitVariable(name: LimitName): string {
  return `${limitPrefix}${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function refuseUnknownLimits(variables: Variables, known: readonly string[]): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith(limitPrefix) || known.includes(name)) continue;
    throw new ConfigError(`unknown variable ${name}; did you mean ${nearestName(name, known)}?`, 64);
  }
}

function inRange(name: LimitName, value: number, source: string): number {
  try {
    return checkLimit(name, value);
  } catch (error) {
    throw new ConfigError(`${source}: ${error instanceof Error ? error.message : error}`, 64);
  }
}

/** The launcher hands this on, since Bun raises the limit at its start. */
function openFiles(value: string | undefined): number | null {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
}

/** A server that runs commands is closed until somebody opens it on purpose. */
function refuseUnsafe({ auth, insecure, listen }: Settings): void {
  const open = listen.filter((address) => !isLoopback(address)).map(formatAddress);
  if (auth === "token" || open.length === 0 || insecure) return;
  throw new ConfigError(
    `refusing to listen at ${open.join(", ")} without authentication: anyone who reaches it could run commands.\n` +
      `  With a token:   errand serve ${open.map((text) => `--listen ${text}`).join(" ")} --auth token\n` +
      `  Or, if you are sure:   errand serve ${open.map((text) => `--listen ${text}`).join(" ")} --auth none ${insecureFlag}`,
    78,
  );
}

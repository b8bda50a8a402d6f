import { formatAddress } from "../config/address.ts";
import type { Address, Settings } from "../config/settings.ts";
import { type LimitName, limitTable } from "../core/limits.ts";
import { version } from "../core/version.ts";

/** What `errand serve --check` says. */
export function describeSettings(settings: Settings): string {
  const changed = (Object.keys(limitTable) as LimitName[]).filter(
    (name) => settings.limits[name] !== limitTable[name].default,
  );
  const lines = [
    "The settings are valid. errand serve would",
    `  listen at         ${settings.listen.map(formatAddress).join(", ")}`,
    `  keep its data in  ${settings.data}`,
    `  read settings of  ${settings.configFile ?? "no file"}`,
    `  authenticate by   ${settings.auth === "token" ? `token (the local one and ${settings.tokens.length} configured)` : "nothing: open"}`,
    `  take signatures   ${settings.sidecars.map(({ name }) => name).join(", ") || "of nobody"}`,
    `  call back         ${["public addresses", ...settings.callbacks.allowPrivate].join(", ")}`,
    `  take code pages   ${settings.flexideo.acp} for acp, ${settings.flexideo.oem} for programs`,
    `  answer to hosts   ${["localhost", "this host's name", "IP addresses", ...settings.hosts].join(", ")}`,
    `  allow origins     ${settings.origins.join(", ") || "its own only"}`,
    `  trust proxies     ${settings.trustedProxies.join(", ") || "none"}`,
    `  start jobs with   ${Object.keys(settings.environment).join(", ")}`,
    `  change limits     ${changed.map((name) => `${name} = ${settings.limits[name]}`).join(", ") || "none"}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** What `errand serve` prints when it listens. */
export function greeting(addresses: readonly Address[], tokenFile: string, auth: "token" | "none"): string {
  const lines = addresses.map((address) => `Errand ${version} listens on ${urlOf(address)}`);
  const [first] = addresses;
  if (first !== undefined) lines.push("", "Try it:", `  ${curlLine(first, tokenFile, auth)}`);
  lines.push("", "Closing curl stops the command; Ctrl-C here ends the server.", "");
  return lines.join("\n");
}

function urlOf(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `http://${formatAddress(address)}`;
}

const anyAddress: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

function curlLine(address: Address, tokenFile: string, auth: "token" | "none"): string {
  const body = `{"alias":"hello","cmd":"sh","args":["-c","for i in 1 2 3; do date; sleep 1; done"]}`;
  const target =
    address.kind === "unix"
      ? `--unix-socket ${quote(address.path)} http://localhost/process`
      : `${urlOf({ ...address, host: anyAddress[address.host] ?? address.host })}/process`;
  const header = auth === "token" ? ` -H "Authorization: Bearer $(cat ${quote(tokenFile)})"` : "";
  return `curl -N ${target}${header} -d '${body}'`;
}

function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

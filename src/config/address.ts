import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { Address } from "./settings.ts";

/** Reads `127.0.0.1:8910`, `[::1]:8910`, `localhost:8910`, `8910` or `unix:/path`; null when it is none of these. */
export function parseAddress(text: string): Address | null {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" ? null : { kind: "unix", path };
  }
  const parts = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  if (parts === null) return null;
  const [, bracketed, plain, digits] = parts;
  const port = Number(digits);
  if (port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) return null;
  return { kind: "tcp", host: bracketed ?? plain ?? "127.0.0.1", port };
}

/** As `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** True when only this machine can reach it. */
export function isLoopback(address: Address): boolean {
  if (address.kind === "unix" || address.host === "localhost") return true;
  return ipaddr.isValid(address.host) && ipaddr.process(address.host).range() === "loopback";
}

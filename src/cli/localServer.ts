import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { readServerAddress, type ServerAddress } from "./address.ts";
import type { Variables } from "./surroundings.ts";

const defaultUrl = "http://127.0.0.1:8910";

/** Where `errand serve` listens on this machine when nobody tells it anything. */
export function localServer(): ServerAddress {
  const address = readServerAddress(defaultUrl);
  if (address === null) throw new TypeError(defaultUrl);
  return address;
}

/** Where the server of this user keeps its data, unless its configuration file says something else. */
export function localData({ ERRAND_DATA: data, XDG_STATE_HOME: state }: Variables): string {
  if (data !== undefined && data !== "") return data;
  const folder = state !== undefined && isAbsolute(state) ? state : join(homedir(), ".local/state");
  return join(folder, "errand");
}

/** The token that the server of this user has made; null when there is none that can be read. */
export function localToken(variables: Variables): string | null {
  try {
    const token = readFileSync(join(localData(variables), "token"), "utf8").trim();
    return /^[\x21-\x7e]+$/.test(token) ? token : null;
  } catch {
    // The server will say that it wants one.
    return null;
  }
}

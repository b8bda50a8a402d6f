import { isAbsolute } from "node:path";

/** Where a server is, as requests are sent to it. */
export interface ServerAddress {
  /** As people write it. */
  readonly shown: string;
  /** As `fetch` takes it. */
  readonly url: string;
  /** The file of a Unix socket; null for a connection by network. */
  readonly socketPath: string | null;
  /** Only this machine can be meant. */
  readonly isLocal: boolean;
}

/** Reads `http://…`, `https://…` or `unix:/path`; null when it is none of these. */
export function readServerAddress(text: string): ServerAddress | null {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
    if (!isAbsolute(path)) return null;
    return { shown: `unix:${path}`, url: "http://localhost", socketPath: path, isLocal: true };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") return null;
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return null;
  const shown = url.href.replace(/\/$/, "");
  return { shown, url: shown, socketPath: null, isLocal: isLoopbackHost(url.hostname) };
}

/** The URL parser has already put every spelling of an address into one form. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

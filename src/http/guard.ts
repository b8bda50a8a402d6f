import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { ErrandError } from "../core/errors.ts";
import type { Clients } from "./clients.ts";
import type { Credentials } from "./credentials.ts";
import type { Principal } from "./exchange.ts";
import { offeredToken, tokenProtocol } from "./offeredToken.ts";

interface GuardOptions {
  /** Host names that are answered beside localhost, this host's name and literal addresses. */
  readonly hosts: readonly string[];
  /** Origins that browsers may come from, beside the server's own. */
  readonly origins: readonly string[];
  readonly credentials: Credentials;
  readonly clients: Clients;
}

/** Checks each request before anything else looks at it: Host and Origin, then the credential. */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#hosts = new Set(["localhost", hostname(), ...options.hosts].map((name) => name.toLowerCase()));
    this.#origins = new Set(options.origins);
  }

  /** Throws `invalid-host` for no single Host, `forbidden` for one that is not this server's, against DNS rebinding. */
  checkHost(request: IncomingMessage): void {
    const host = request.headers.host;
    // A client of HTTP/1.0 need not name the host; no browser is one.
    if (host === undefined && request.httpVersion === "1.0") return;
    if (host === undefined || countHeaders(request, "host") !== 1) {
      throw new ErrandError("invalid-host", "there must be exactly one Host header");
    }
    const name = hostName(host);
    if (name !== null && (isIP(name) !== 0 || this.#hosts.has(name))) return;
    const shown = JSON.stringify(host);
    throw new ErrandError("forbidden", `Host ${shown} is not this server's; add it to server.hosts if it is`);
  }

  /** Throws `forbidden` for a browser that comes from elsewhere. */
  checkOrigin(request: IncomingMessage): void {
    const origin = request.headers.origin;
    if (origin !== undefined) {
      if (this.#origins.has(origin)) return;
      const { host } = request.headers;
      const own = host === undefined ? null : `${this.#options.clients.protocol(request)}://${host}`;
      if (origin !== own) {
        throw new ErrandError("forbidden", `Origin ${JSON.stringify(origin)} is not in server.origins`);
      }
    }
    if (request.headers["sec-fetch-site"] === "cross-site") {
      throw new ErrandError("forbidden", "requests that a page of another site has made are refused");
    }
  }

  /** True when nobody needs a credential: then none is looked at. */
  get isOpen(): boolean {
    return this.#options.credentials.isOpen;
  }

  /** Calls back when credentials have ceased to count; the function given back ends that. */
  onLost(callback: () => void): () => void {
    return this.#options.credentials.onLost(callback);
  }

  /** Who asks. Throws `unauthorized`. */
  authenticate(request: IncomingMessage): Principal {
    // Of two, each side of a proxy might believe another.
    if (countHeaders(request, "authorization") > 1) {
      throw new ErrandError("unauthorized", "there must be one Authorization header");
    }
    return this.#options.credentials.check(request.headers.authorization);
  }

  /** Who asks for a WebSocket: the token may stand among its subprotocols instead of a header. Throws `unauthorized`. */
  authenticateUpgrade(request: IncomingMessage): Principal {
    const token = offeredToken(request.headers["sec-websocket-protocol"]);
    if (token === null) return this.authenticate(request);
    const principal = this.#options.credentials.checkToken(token);
    // A browser in which somebody has signed in sends that along, whatever the page says.
    if (countHeaders(request, "authorization") === 0 || this.authenticate(request) === principal)
      return principal;
    throw new ErrandError(
      "unauthorized",
      `the Authorization header and the subprotocol ${tokenProtocol}… hold two tokens: there must be one`,
    );
  }
}

/** The name without port, in lower case; null when the header is no host at all. */
function hostName(host: string): string | null {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\s,]+))(?::\d{1,5})?$/i.exec(host);
  const name = parts?.[1] ?? parts?.[2];
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, "");
}

/** How often a header was sent. Node joins some repeated ones and drops others. */
export function countHeaders(request: IncomingMessage, name: string): number {
  let count = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) count += 1;
  }
  return count;
}

import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** Tells where a request comes from. Only proxies that the operator trusts are believed. */
export class Clients {
  readonly #trusted: readonly Network[];

  /** `trustedProxies`: addresses and networks in CIDR form, already checked. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.map((text) =>
      text.includes("/")
        ? ipaddr.parseCIDR(text)
        : [ipaddr.parse(text), ipaddr.parse(text).kind() === "ipv6" ? 128 : 32],
    );
  }

  /** The client's address; behind trusted proxies the nearest one in X-Forwarded-For that is not theirs. */
  address(request: IncomingMessage): string {
    const peer = request.socket.remoteAddress ?? "local";
    if (!this.#isTrusted(peer)) return peer;
    const forwarded = header(request, "x-forwarded-for")?.split(",") ?? [];
    for (const hop of forwarded.reverse()) {
      const address = hop.trim();
      if (!ipaddr.isValid(address)) return peer;
      if (!this.#isTrusted(address)) return address;
    }
    return peer;
  }

  /** How the client speaks to the outermost server. */
  protocol(request: IncomingMessage): "http" | "https" {
    const peer = request.socket.remoteAddress ?? "local";
    const forwarded = this.#isTrusted(peer) ? header(request, "x-forwarded-proto") : undefined;
    return forwarded === "https" ? "https" : "http";
  }

  #isTrusted(address: string): boolean {
    if (this.#trusted.length === 0 || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.#trusted.some(
      ([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits),
    );
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

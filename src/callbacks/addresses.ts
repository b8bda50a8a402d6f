import { isIP } from "node:net";
import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js";

type Network = [IPv4 | IPv6, number];

/**
 * Never allowed, whatever the operator allows: what clouds tell a machine about itself, its keys included, what is no
 * one machine, and what would carry another address past these checks.
 */
const never: readonly Network[] = [
  "0.0.0.0/8", // unspecified; Linux takes 0.0.0.0 for loopback
  "169.254.0.0/16", // link-local, and metadata of most clouds
  "100.100.100.200/32", // metadata of Alibaba Cloud
  "168.63.129.16/32", // the same of Azure, in a public network
  "192.0.0.192/32", // the same of Oracle
  "224.0.0.0/4", // multicast
  "255.255.255.255/32", // broadcast
  "fe80::/10", // link-local
  "fec0::/10", // site-local
  "fd00:ec2::/32", // metadata of AWS
  "fd20:ce::254/128", // the same of Google Cloud
  "fd00:42::42/128", // the same of Scaleway
  "ff00::/8", // multicast
  "::ffff:0:0:0/96", // translated IPv4
  "64:ff9b::/96", // NAT64
  "64:ff9b:1::/48", // NAT64 of one's own network
  "2002::/16", // 6to4
  "2001::/32", // Teredo
].map((text) => ipaddr.parseCIDR(text));

/** Unspecified, loopback and the old "IPv4-compatible" addresses; of these only loopback is an address to call. */
const lowest: Network = ipaddr.parseCIDR("::/96");
const loopback: Network = ipaddr.parseCIDR("::1/128");
/** All that is assigned for the public in IPv6. */
const global: Network = ipaddr.parseCIDR("2000::/3");

/** Which IP addresses callbacks may go to: public ones, and those of the networks that the operator allows. */
export class AllowedAddresses {
  readonly #private: readonly Network[];

  /** `allowPrivate`: addresses and networks as `10.0.0.0/8`, already checked. */
  constructor(allowPrivate: readonly string[]) {
    this.#private = allowPrivate.map((text) => {
      if (text.includes("/")) return ipaddr.parseCIDR(text);
      const address = ipaddr.process(text);
      return [address, address.kind() === "ipv4" ? 32 : 128];
    });
  }

  /** Whether the address, in its usual form, may be called. What is no address may not, nor one with a zone. */
  allows(text: string): boolean {
    const address = parse(text);
    if (address === null) return false;
    if (never.some((network) => isIn(address, network))) return false;
    if (isIn(address, lowest) && !isIn(address, loopback)) return false;
    if (this.#private.some((network) => isIn(address, network))) return true;
    return address.range() === "unicast" && (address.kind() === "ipv4" || isIn(address, global));
  }
}

/** An IPv4 address in IPv6's clothes comes as itself. */
function parse(text: string): IPv4 | IPv6 | null {
  if (isIP(text) === 0 || text.includes("%")) return null;
  // Of dots the library makes `::ffff:1.2.3.4`, even of those in `::1.2.3.4`, which is another address.
  const plain = text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
  return ipaddr.process(plain);
}

function isIn(address: IPv4 | IPv6, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

/**
 * The address that the host of a URL is, without brackets; null when it is a name. `URL` has brought all spellings of an
 * address into one form, but for dots at its end.
 */
export function literalAddress({ hostname }: URL): string | null {
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname.replace(/\.+$/, "");
  return isIP(host) === 0 ? null : host;
}

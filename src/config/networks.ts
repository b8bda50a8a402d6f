import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** The texts when each is an address or a network in CIDR form. Throws with the name of the setting. */
export function networks(name: string, texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    const [address = "", bits] = text.split("/", 2);
    if (isIP(address) === 0 || (bits !== undefined && !ipaddr.isValidCIDR(text)))
      throw new Error(`${name} "${text}": an address or a network as 10.0.0.0/8 is allowed`);
  }
  return texts;
}

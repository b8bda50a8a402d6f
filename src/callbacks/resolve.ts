import { lookup } from "node:dns/promises";
import { dns } from "bun";

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { address: string; family: number }[]>;

let systemIsAsked = false;

/**
 * All addresses of a name, from the hosts file and the name servers. The system's own resolver is asked only for what is
 * not found that way, such as names in a directory service or after a change of network, and for one name at a time: it
 * holds one of the few threads that files are read and written with, for as long as a name server keeps silent.
 */
export const resolveName: Resolve = async (name) => {
  try {
    return await dns.lookup(name, { backend: "c-ares" });
  } catch (error) {
    if (systemIsAsked) throw error;
    systemIsAsked = true;
    try {
      return await lookup(name, { all: true });
    } finally {
      systemIsAsked = false;
    }
  }
};

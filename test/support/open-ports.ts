import { readFileSync } from "node:fs";

/** The kernel's numbers: established, and ended by the client alone. */
const openStates: ReadonlySet<string> = new Set(["01", "08"]);

/** The clients' ports of all loopback connections that a server has not closed yet. */
export function openPorts(serverPort: number): Set<number> {
  const found = new Set<number>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", state = ""] = line.trim().split(/\s+/);
    if (portOf(local) === serverPort && openStates.has(state)) found.add(portOf(remote));
  }
  return found;
}

/** What `open` gives, and the port of the one connection that it has opened. */
export async function withPort<T>(serverPort: number, open: () => Promise<T>): Promise<[T, number]> {
  const before = openPorts(serverPort);
  const opened = await open();
  const added = [...openPorts(serverPort)].filter((port) => !before.has(port));
  if (added.length !== 1) throw new Error(`${added.length} connections were opened instead of one`);
  return [opened, added[0] ?? 0];
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}

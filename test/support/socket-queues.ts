import { readFileSync } from "node:fs";

/**
 * How many bytes of a loopback connection the kernel holds on their way from the server to the client: sent and not
 * yet received, and received and not yet read. With them a test can tell what the server itself holds.
 */
export function queuedInKernel(serverPort: number, clientPort: number): number {
  let queued = 0;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", , queues = ""] = line.trim().split(/\s+/);
    const [sending = 0, receiving = 0] = queues.split(":").map((hex) => Number.parseInt(hex, 16));
    if (portOf(local) === serverPort && portOf(remote) === clientPort) queued += sending;
    if (portOf(local) === clientPort && portOf(remote) === serverPort) queued += receiving;
  }
  return queued;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}

import { chmodSync, existsSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";

/** Where a server listens. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** An address that cannot be listened at. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Listens and gives the address as it is now, with the port that was free for port 0. Throws `ListenError`. */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    return await bind(server, address);
  } catch (error) {
    const where = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
    throw new ListenError(`cannot listen at ${where}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Removes what listening has left on disk. */
export function unlisten(address: ListenAddress): void {
  if (address.kind === "unix") rmSync(address.path, { force: true });
}

async function bind(server: Server, address: ListenAddress): Promise<ListenAddress> {
  if (address.kind === "unix") {
    await removeStaleSocket(address.path);
    await listening(server, { path: address.path });
    // The socket is a way to run commands: for this user alone.
    chmodSync(address.path, 0o600);
    return address;
  }
  await listening(server, { host: address.host, port: address.port });
  const bound = server.address();
  return { ...address, port: bound !== null && typeof bound === "object" ? bound.port : address.port };
}

function listening(
  server: Server,
  options: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A server that was killed leaves its socket behind; one that answers is somebody else's. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (answers) throw new Error(`another server answers at ${path}`);
  rmSync(path);
}

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Sidecar, type SidecarOptions } from "./sidecar.ts";

/** A server that programs know by its id. */
export interface Connection extends SidecarOptions {
  readonly id: string;
}

/** Variables of the environment that tell where the file is. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The file of connections, or what was asked of it, cannot be used. */
export class ConnectionsError extends Error {
  override readonly name = "ConnectionsError";
}

/** The file: `$ERRAND_CONNECTIONS`, else `errand/connections.json` in `$XDG_CONFIG_HOME` or `~/.config`. */
export function connectionsPath(environment: Environment = process.env): string {
  const { ERRAND_CONNECTIONS: path, XDG_CONFIG_HOME: config } = environment;
  if (path) return path;
  return join(config || join(homedir(), ".config"), "errand", "connections.json");
}

/** The client for the connection of that id. Throws `ConnectionsError`. */
export function sidecarConnection(id: string, path = connectionsPath()): Sidecar {
  const connections = readConnections(path);
  const found = connections.find((one) => one.id === id);
  if (found === undefined) {
    const known = connections.map((one) => JSON.stringify(one.id)).join(", ") || "none";
    throw new ConnectionsError(`${path}: there is no connection ${JSON.stringify(id)}; known are: ${known}`);
  }
  try {
    return new Sidecar(found);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConnectionsError(`${path}: connection ${JSON.stringify(id)}: ${why}`);
  }
}

/** All connections of a file. It holds secrets: one that others can read is refused. Throws `ConnectionsError`. */
export function readConnections(path = connectionsPath()): Connection[] {
  const fail = (why: string) => new ConnectionsError(`${path}: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(readPrivate(path));
  } catch (error) {
    throw error instanceof ConnectionsError ? error : fail(reasonOf(error));
  }
  const list = isObject(value) ? value.connections : undefined;
  if (!Array.isArray(list)) throw fail('{"connections": […]} is needed');
  const connections = list.map((one: unknown, index) => {
    const connection = isObject(one) ? readConnection(one) : "an object is needed";
    if (typeof connection === "string") throw fail(`connections[${index}]: ${connection}`);
    return connection;
  });
  const twice = connections.find(({ id }, index) => connections.findIndex((one) => one.id === id) !== index);
  if (twice !== undefined) throw fail(`the connection ${JSON.stringify(twice.id)} is there twice`);
  return connections;
}

/** The connection, or what is wrong with it; values may be secrets and are not told. */
function readConnection(fields: Readonly<Record<string, unknown>>): Connection | string {
  const { id, url, secretKey, token } = fields;
  if (typeof id !== "string" || id === "") return "`id` is missing or no string";
  if (typeof url !== "string") return "`url` is missing or no string";
  if (secretKey !== undefined && typeof secretKey !== "string") return "`secretKey` is no string";
  if (token !== undefined && typeof token !== "string") return "`token` is no string";
  return { id, url, secretKey, token };
}

const othersBits = 0o077;

/** What is looked at is what is read, whatever is put into its place meanwhile. */
function readPrivate(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    // Windows has no such bits.
    if (process.platform !== "win32" && (mode & othersBits) !== 0) {
      const shown = mode.toString(8).padStart(4, "0");
      throw new ConnectionsError(`${path}: others can use it (mode ${shown}): chmod 600 ${path}`);
    }
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Words of the parser would show a piece of the file. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return "it is no JSON";
  return error instanceof Error ? error.message : String(error);
}

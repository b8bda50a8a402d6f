import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** A secret file that others could have read, or that holds no secret. */
export class UnusableSecret extends Error {
  override readonly name = "UnusableSecret";
}

const secretBytes = 32;
/** As Standard Webhooks says. */
const leastBytes = 24;
const mostBytes = 64;
const mostFileBytes = 4_096;
const readableByOthers = 0o077;
const prefix = "whsec_";

/** Where the secret stands that the server makes for itself. */
export function callbackSecretPath(data: string): string {
  return join(data, "callback-secret");
}

/**
 * The secret that callbacks are signed with, as `whsec_` and base64: of that file, or of the data directory when there is
 * none, where it is made at first use. Throws `UnusableSecret`, or the system's error when the file cannot be read.
 */
export function callbackSecret(data: string, file: string | null): string {
  if (file !== null) return readSecret(file);
  const path = callbackSecretPath(data);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeSecret(path);
  return readSecret(path);
}

/** Whole or not at all: a server that dies in between leaves only a file that the next one writes anew. */
function makeSecret(path: string): void {
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  const descriptor = openSync(unfinished, "wx", 0o600);
  try {
    writeSync(descriptor, `${prefix}${randomBytes(secretBytes).toString("base64")}\n`);
    fsyncSync(descriptor);
    renameSync(unfinished, path);
  } finally {
    closeSync(descriptor);
  }
  // Receivers are told this secret: it must not be another one after a power cut.
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function readSecret(path: string): string {
  const stat = statSync(path);
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user && stat.uid !== 0)
    throw new UnusableSecret(`${path} belongs to another user`);
  if (!stat.isFile() || (stat.mode & readableByOthers) !== 0)
    throw new UnusableSecret(`${path} must be a file that only its owner can read: chmod 600 it`);
  const text = stat.size > mostFileBytes ? "" : readFileSync(path, "utf8").trim();
  const encoded = text.startsWith(prefix) ? text.slice(prefix.length) : "";
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") !== encoded || bytes.byteLength < leastBytes || bytes.byteLength > mostBytes)
    throw new UnusableSecret(
      `${path} must hold ${prefix} and the base64 of ${leastBytes} to ${mostBytes} bytes`,
    );
  return text;
}

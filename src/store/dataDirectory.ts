import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { checkDirectories, UnsafePlace } from "./safePlace.ts";

const tokenBytes = 32;

/** Makes the directory if it is missing, and checks that nobody else can put anything into it. Throws `UnsafePlace`. */
export function openDataDirectory(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new UnsafePlace(`${path} must be a directory, not a link or a file`);
  checkOwner(path, stat.uid);
  if ((stat.mode & 0o022) !== 0) throw new UnsafePlace(`others can write to ${path}: chmod go-w it`);
  checkDirectories(path);
}

function checkOwner(path: string, owner: number): void {
  const user = process.getuid?.();
  if (user !== undefined && owner !== user) throw new UnsafePlace(`${path} belongs to another user`);
}

/** Makes the file, readable by its owner alone, if it is missing: SQLite gives its other files the same mode. */
export function makePrivateFile(path: string): void {
  closeSync(openSync(path, "a", 0o600));
}

/** Where the local token stands in plain. */
export function tokenPath(data: string): string {
  return join(data, "token");
}

/** The local token, made at the first start. Throws `UnsafePlace` when others could have read it. */
export function localToken(data: string): string {
  const path = tokenPath(data);
  try {
    const descriptor = openSync(path, "wx", 0o600);
    const token = randomBytes(tokenBytes).toString("base64url");
    writeSync(descriptor, `${token}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    return token;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const stat = lstatSync(path);
  checkOwner(path, stat.uid);
  if (!stat.isFile() || (stat.mode & 0o077) !== 0) {
    throw new UnsafePlace(`${path} must be a file that only its owner can read: chmod 600 it, or remove it`);
  }
  const token = readFileSync(path, "utf8").trim();
  if (token.length < 32) throw new UnsafePlace(`${path} holds no token: remove it, and a new one is made`);
  return token;
}

import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

/** The data directory, or something in it, cannot be trusted. */
export class UnsafeDataDirectory extends Error {
  override readonly name = "UnsafeDataDirectory";
}

const tokenBytes = 32;
const writableByOthers = 0o022;
const sticky = 0o1000;

/** Makes the directory if it is missing, and checks that nobody else can put anything into it. Throws `UnsafeDataDirectory`. */
export function openDataDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new UnsafeDataDirectory(`${path} must be a directory, not a link or a file`);
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user)
    throw new UnsafeDataDirectory(`${path} belongs to another user`);
  if ((stat.mode & writableByOthers) !== 0) {
    throw new UnsafeDataDirectory(`others can write to ${path}: chmod go-w it`);
  }
  const parent = lstatSync(dirname(path));
  if (!parent.isSymbolicLink() && (parent.mode & writableByOthers) !== 0 && (parent.mode & sticky) === 0) {
    throw new UnsafeDataDirectory(`others can replace ${path}, since they can write to ${dirname(path)}`);
  }
}

/** Where the local token stands in plain. */
export function tokenPath(data: string): string {
  return join(data, "token");
}

/** The local token, made at the first start. Throws `UnsafeDataDirectory` when others could have read it. */
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
  if (!stat.isFile() || (stat.mode & 0o077) !== 0) {
    throw new UnsafeDataDirectory(
      `${path} must be a file that only its owner can read: chmod 600 it, or remove it`,
    );
  }
  const token = readFileSync(path, "utf8").trim();
  if (token.length < 32)
    throw new UnsafeDataDirectory(`${path} holds no token: remove it, and a new one is made`);
  return token;
}

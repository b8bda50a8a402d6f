import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** A place on disk that somebody else could tamper with, or that is not what it must be. */
export class UnsafePlace extends Error {
  override readonly name = "UnsafePlace";
}

const writableByOthers = 0o022;
const sticky = 0o1000;

/** Checks that nobody else can replace what lies in the directory or in any above it. Throws `UnsafePlace`. */
export function checkDirectories(path: string, subject = path): void {
  let directory = realpathSync(path);
  for (;;) {
    const { mode } = statSync(directory);
    if ((mode & writableByOthers) !== 0 && (mode & sticky) === 0) {
      throw new UnsafePlace(`others could replace ${subject}, since they can write to ${directory}`);
    }
    const above = dirname(directory);
    if (above === directory) return;
    directory = above;
  }
}

/** Checks that a Unix socket may be made there: only a socket may be in its place. Throws `UnsafePlace`. */
export function checkSocketPlace(path: string): void {
  const directory = dirname(path);
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw new UnsafePlace(`there is no directory ${directory} for the socket ${path}`);
  }
  checkDirectories(directory, path);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSocket()) throw new UnsafePlace(`${path} is there and is no socket`);
}

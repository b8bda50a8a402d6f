import { lstatSync, readFileSync } from "node:fs";
import { type Table, text } from "./values.ts";

/** Others must not be able to read it. */
const readableByOthers = 0o077;

/** A secret that stands under the key, or in the file that the key with `File` behind it names. */
export function secret(table: Table, where: string, key: string): string | undefined {
  const value = text(table, where, key);
  const file = text(table, where, `${key}File`);
  if (value !== undefined && file !== undefined) throw new Error(`${where}: ${key} or ${key}File, not both`);
  const found = value ?? (file === undefined ? undefined : readSecret(file, `${where}: ${key}File`));
  if (found === "") throw new Error(`${where}: ${key} is empty`);
  return found;
}

function readSecret(path: string, where: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new Error(`${where}: there is no file ${path}`);
  if ((stat.mode & readableByOthers) !== 0 && !stat.isSymbolicLink())
    throw new Error(`${where}: others can read ${path}: chmod 600 it`);
  return readFileSync(path, "utf8").trim();
}

import { scopes as allScopes, isPlannedScope, isScope, type Scope } from "../core/scopes.ts";
import type { TokenSetting } from "./settings.ts";
import { refuseUnknown } from "./unknown.ts";
import { show, type Table, text, texts } from "./values.ts";

const keys = ["name", "sha256", "scopes"];
/** What a token may be tied to one day. */
const ties = ["labels", "users", "directories"];

/** The tokens of the configuration, one per `[[token]]`. */
export function readTokens(tables: readonly Table[]): TokenSetting[] {
  const found = tables.map(readToken);
  const names = found.map(({ name }) => name);
  const sameName = names.find((name, index) => names.indexOf(name) !== index);
  if (sameName !== undefined) throw new Error(`token: two have the name ${show(sameName)}`);
  const digests = found.map(({ sha256 }) => sha256);
  const sameSecret = found.find(({ sha256 }, index) => digests.indexOf(sha256) !== index);
  if (sameSecret !== undefined)
    throw new Error(
      `token (${sameSecret.name}): another one has the same sha256; each needs a secret of its own`,
    );
  return found;
}

function readToken(table: Table, index: number): TokenSetting {
  const where = `token ${index + 1}`;
  const tie = ties.find((key) => key in table);
  if (tie !== undefined) throw new Error(`"${where}.${tie}" is not available in this build (not-available)`);
  refuseUnknown(where, table, keys);
  const name = text(table, where, "name");
  const sha256 = text(table, where, "sha256");
  if (name === undefined || name === "") throw new Error(`${where}: it needs a name`);
  if (name === "local") throw new Error(`${where}: local is the name of the token in the data directory`);
  if (sha256 === undefined || !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new Error(`${where} (${name}): sha256 must be the 64 hexadecimal digits of the secret's SHA-256`);
  }
  const scopes = readScopes(texts(table, where, "scopes"), `${where} (${name})`);
  return { name, sha256: sha256.toLowerCase(), scopes };
}

/** A right is never given because nobody has said anything about rights. */
function readScopes(list: readonly string[] | undefined, where: string): Scope[] {
  const allowed = `scopes must be a list of ${allScopes.map(show).join(", ")}, at least one and each once`;
  if (list === undefined || list.length === 0) throw new Error(`${where}: ${allowed}`);
  return list.map((scope, index) => {
    if (isPlannedScope(scope))
      throw new Error(`${where}: scopes: ${show(scope)} is not available in this build (not-available)`);
    if (!isScope(scope)) throw new Error(`${where}: scopes: ${show(scope)} is none; ${allowed}`);
    if (list.indexOf(scope) !== index) throw new Error(`${where}: scopes: ${show(scope)} twice; ${allowed}`);
    return scope;
  });
}

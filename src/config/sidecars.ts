import { secret } from "./secret.ts";
import type { SidecarSetting } from "./settings.ts";
import { refuseUnknown } from "./unknown.ts";
import { type Table, text } from "./values.ts";

const keys = ["name", "secretKey", "secretKeyFile"];

/** The credentials of the sidecar door, one per `[[sidecar]]`. */
export function readSidecars(tables: readonly Table[]): SidecarSetting[] {
  const found = tables.map((table, index) => {
    const where = `sidecar ${index + 1}`;
    refuseUnknown(where, table, keys);
    const name = text(table, where, "name");
    if (name === undefined || name === "") throw new Error(`${where}: it needs a name`);
    const secretKey = secret(table, `${where} (${name})`, "secretKey");
    if (secretKey === undefined) throw new Error(`${where} (${name}): it needs secretKey or secretKeyFile`);
    return { name, secretKey };
  });
  const names = found.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`sidecar: two have the name ${JSON.stringify(twice)}`);
  return found;
}

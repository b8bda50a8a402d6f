import { nearestName } from "../core/nearest.ts";
import type { Table } from "./values.ts";

/** Named in the documentation of the configuration, and not part of this build. */
const notAvailable = new Set(["server.tls"]);

/** Throws when the section has a key that is none of these, and names the nearest one. */
export function refuseUnknown(section: string, table: Table, known: readonly string[]): void {
  for (const key of Object.keys(table)) {
    if (known.includes(key)) continue;
    const full = section === "" ? key : `${section}.${key}`;
    if (notAvailable.has(full)) throw new Error(`"${full}" is not available in this build (not-available)`);
    const nearest = nearestName(key, known);
    const hint = nearest === undefined ? `known are ${known.join(", ")}` : `did you mean "${nearest}"?`;
    throw new Error(`unknown key "${full}"; ${hint}`);
  }
}

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";

/** All that lies below a directory, sorted, with contents and without following links. */
export function snapshot(path: string): string[] {
  const lines: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const full = join(folder, entry.name);
      const name = relative(path, full);
      if (entry.isSymbolicLink()) lines.push(`${name} -> ${readlinkSync(full)}`);
      else if (entry.isDirectory()) {
        lines.push(`${name}/`);
        visit(full);
      } else lines.push(`${name}: ${readFileSync(full, "latin1")}`);
    }
  };
  visit(path);
  return lines.sort();
}

import { ErrandError } from "../core/errors.ts";

/** What a command starts with: the configured variables, and over them those of the job. Throws `invalid-spec`. */
export function jobEnvironment(
  configured: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const name in added) {
    if (name === "" || name.includes("=") || name.includes("\0")) {
      const shown = JSON.stringify(name);
      throw new ErrandError(
        "invalid-spec",
        `${shown} is no name for a variable: empty names, "=" and NUL are not allowed`,
      );
    }
    if (added[name]?.includes("\0")) {
      throw new ErrandError(
        "invalid-spec",
        `the value of the variable ${JSON.stringify(name)} holds a NUL byte`,
      );
    }
  }
  return { ...configured, ...added };
}

import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

/** The user that the server, and so every command, runs as. */
interface User {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** Read from the system's list of users: the variables of whoever started the server may say anything. */
export function serverUser(): User {
  const uid = String(process.getuid?.() ?? "");
  try {
    for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
      const [name, , id, , , home, shell] = line.split(":");
      if (id === uid && name !== undefined) return { name, home: home || "/", shell: shell || "/bin/sh" };
    }
  } catch {
    // No such list: ask the runtime.
  }
  const { username, homedir, shell } = userInfo();
  return { name: username, home: homedir, shell: shell ?? "/bin/sh" };
}

import { readdirSync, statSync } from "node:fs";
import { errandProgram } from "../../support/server.ts";

/** A user without rights whom a server can be started as. */
export interface User {
  uid: number;
  gid: number;
  /** The start of a command line that executes the rest as this user. */
  become: string[];
  /** How many threads the user has, which is what a limit of processes counts. */
  tasks(): number;
}

/** The user `nobody`; undefined when this process may not become another user, or there is none. */
export function nobody(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((which) => {
    const { success, stdout } = Bun.spawnSync(["id", which, "nobody"], { stderr: "ignore" });
    return success ? Number(stdout.toString()) : undefined;
  });
  if (uid === undefined || gid === undefined) return undefined;
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return { uid, gid, become, tasks: () => tasksOf(uid) };
}

/** Why this user cannot run the program of this checkout; undefined when it can. */
export function mayRunAs({ become }: User): string | undefined {
  const { success, stderr } = Bun.spawnSync([...become, errandProgram, "--version"], { cwd: "/" });
  return success
    ? undefined
    : `another user cannot run this checkout: ${stderr.toString().trim().slice(0, 200)}`;
}

function tasksOf(uid: number): number {
  let tasks = 0;
  for (const name of readdirSync("/proc")) {
    try {
      if (/^\d+$/.test(name) && statSync(`/proc/${name}`).uid === uid) {
        tasks += readdirSync(`/proc/${name}/task`).length;
      }
    } catch {
      // It ended in between.
    }
  }
  return tasks;
}

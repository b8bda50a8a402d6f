/** Why this process cannot give a server its own files of /etc; undefined when it can. */
export function cannotMount(): string | undefined {
  if (process.platform !== "linux") return "mounts of one's own are of Linux";
  if (process.getuid?.() !== 0) return "only root may mount";
  const mount = ["unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"];
  try {
    return Bun.spawnSync(mount, { stderr: "ignore" }).success ? undefined : "unshare or mount is not allowed";
  } catch {
    return "there is no unshare";
  }
}

/** The start of a command line that executes the rest with this file in the place of another, for itself alone. */
export function mounted(file: string, place: string): string[] {
  return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', file, place];
}

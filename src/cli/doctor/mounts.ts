/** One line of /proc/self/mountinfo. */
export interface Mount {
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Reads /proc/self/mountinfo. */
export function readMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ", 2);
    const [, , , , point, options = ""] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    if (point === undefined || type === undefined || type === "") return [];
    return [{ point: unescaped(point), type, options: [...options.split(","), ...superOptions.split(",")] }];
  });
}

/** A blank in a path is written as \040. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a path without links lies in; of several at one point the last one counts. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) {
    const inside = mount.point === "/" || path === mount.point || path.startsWith(`${mount.point}/`);
    if (inside && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./adapter.ts";
import { fileWith, textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

/** In which directory a command runs. */
export function directories(stage: Stage): void {
  const seen = async (more: Partial<Spec>) =>
    textOf((await stage.run({ command: "pwd -P", ...more })).told.stdout);

  stage.behaviour("without one it is the server's", [], async () => {
    expect(await seen({})).toBe(`${stage.home}\n`);
  });

  stage.behaviour("an absolute one", ["cwd"], async () => {
    expect(await seen({ cwd: "/" })).toBe("/\n");
    expect(await seen({ cwd: join(stage.home, "below") })).toBe(`${stage.home}/below\n`);
  });

  stage.behaviour("a relative one is below the server's", ["cwd"], async () => {
    for (const cwd of ["below", "./below", "below/../below/"])
      expect(await seen({ cwd })).toBe(`${stage.home}/below\n`);
    expect(await seen({ cwd: "." })).toBe(`${stage.home}\n`);
  });

  stage.behaviour("one with an odd name", ["cwd"], async () => {
    const name = `a b'"$é😀`;
    mkdirSync(join(stage.home, name), { recursive: true });
    expect(await seen({ cwd: name })).toBe(`${stage.home}/${name}\n`);
  });

  stage.behaviour("programs with a path are found from there", ["argv", "cwd"], async () => {
    const { told } = await stage.run({ command: ["./ls", "/dev/null"], cwd: "/bin" });
    expect(textOf(told.stdout)).toBe("/dev/null\n");
  });

  const missing = "No such file or directory (os error 2)";
  const refusals = [
    ["that is not there", "/no/such/directory", missing],
    ["that is not there, a relative one", "nowhere", missing],
    ["that is a file", "file", "Not a directory (os error 20)"],
    ["below a file", "file/below", "Not a directory (os error 20)"],
  ] as const;
  for (const [title, cwd, words] of refusals) {
    stage.behaviour(`one ${title} is refused`, ["cwd"], async () => {
      fileWith(stage, "file", "");
      const { code, message } = await stage.refusal({ command: "echo never >ran", cwd });
      expect(message).toContain(words);
      if (stage.has("errorCodes")) expect(code).toBe("start-failed");
    });
  }
}

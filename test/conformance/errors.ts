import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { program } from "../support/programs.ts";
import type { Spec } from "./adapter.ts";
import { textOf } from "./bytes.ts";
import type { Flag } from "./flags.ts";
import type { Stage } from "./stage.ts";

interface StartError {
  title: string;
  command: [string, ...string[]];
  /** What the system says. */
  words: string;
  /** The code with which a shell ends instead. */
  shellCode: number;
}

const missing = "No such file or directory (os error 2)";
const denied = "Permission denied (os error 13)";

const startErrors: readonly StartError[] = [
  { title: "is not there", command: ["/no/such/program"], words: missing, shellCode: 127 },
  { title: "is in no directory of PATH", command: ["no-such-program", "x"], words: missing, shellCode: 127 },
  { title: "may not be executed", command: [program("not-executable")], words: denied, shellCode: 126 },
  { title: "is a directory", command: ["/usr"], words: denied, shellCode: 126 },
  {
    title: "has a missing interpreter",
    command: [program("missing-interpreter")],
    words: missing,
    shellCode: 127,
  },
];

/** Commands that cannot be started, and what no command can be given. */
export function errors(stage: Stage): void {
  const runsOn = async () => {
    expect(textOf((await stage.run({ command: ["echo", "still here"] })).told.stdout)).toBe("still here\n");
  };

  for (const { title, command, words, shellCode } of startErrors) {
    stage.behaviour(`a program that ${title}`, [], async () => {
      if (stage.has("argv")) {
        const { code, message } = await stage.refusal({ command });
        expect([code, message]).toEqual(["start-failed", expect.stringContaining(words)]);
      } else {
        const { told } = await stage.run({ command });
        expect(told.code).toBe(shellCode);
        expect(told.stderr?.byteLength).toBeGreaterThan(0);
      }
      await runsOn();
    });
  }

  stage.behaviour("a program without an interpreter line is not run by a shell", ["argv"], async () => {
    const { code, message } = await stage.refusal({ command: [program("no-interpreter")] });
    expect([code, message]).toEqual([
      "start-failed",
      expect.stringContaining("Exec format error (os error 8)"),
    ]);
  });

  stage.behaviour("more than a program can be given", ["env"], async () => {
    const { code, message } = await stage.refusal({ command: ["true"], env: { BIG: "x".repeat(200_000) } });
    expect(message).toContain("Argument list too long (os error 7)");
    if (stage.has("errorCodes")) expect(code).toBe("start-failed");
    await runsOn();
  });

  const impossible: readonly [string, Flag, Partial<Spec>][] = [
    ["a NUL in the command", "anyText", { command: "echo never > ran; \0" }],
    ["a NUL in the directory", "cwd", { cwd: "/\0" }],
    ["a NUL in a variable's name", "env", { env: { "A\0B": "1" } }],
    ["a NUL in a variable's value", "env", { env: { A: "1\0B=2" } }],
    ["a variable without a name", "env", { env: { "": "1" } }],
    ["= in a variable's name", "env", { env: { "A=B": "1" } }],
  ];
  for (const [title, flag, more] of impossible) {
    stage.behaviour(`${title} is refused`, [flag], async () => {
      const { code, message } = await stage.refusal({ command: "echo never > ran", ...more });
      if (stage.has("errorCodes")) expect(code).toBeOneOf(["invalid-request", "invalid-spec"]);
      expect(message).not.toBe("");
      expect(message).not.toContain("\0");
      expect(existsSync(join(stage.home, "ran"))).toBe(false);
      await runsOn();
    });
  }
}

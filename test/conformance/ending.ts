import { expect } from "bun:test";
import { program } from "../support/programs.ts";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

const codes = [0, 1, 2, 3, 42, 64, 100, 125, 126, 127, 128, 129, 130, 137, 139, 143, 200, 254, 255];
const signals = ["HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "SEGV", "PIPE", "ALRM", "TERM", "XCPU", "SYS"];

/** How a command has ended is told as it was; nothing is made up, and code and signal are never mixed. */
export function ending(stage: Stage): void {
  stage.behaviour(`codes: ${codes.join(", ")}`, [], async () => {
    for (const code of codes) {
      const { job } = await stage.run({ command: [program("exit-with"), String(code)] });
      expect(job.outcome).toEqual({
        reason: "exited",
        code,
        signal: null,
        success: code === 0,
        detail: null,
      });
    }
  });

  for (const name of signals) {
    stage.behaviour(`by SIG${name}, and the last words arrive`, [], async () => {
      const { told, job } = await stage.run({ command: [program("print-and-die"), name] });
      expect(job.outcome).toEqual({
        ...{ reason: "signaled", code: null, signal: `SIG${name}`, success: false, detail: null },
      });
      expect(textOf(told.stdout)).toBe("last words");
    });
  }

  stage.behaviour("by a code that looks like a signal is not by a signal", [], async () => {
    const { job } = await stage.run({ command: "sh -c 'kill -KILL $$'; exit $?" });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 137, signal: null });
  });

  stage.behaviour("is the leader's, not a descendant's", [], async () => {
    const { job } = await stage.run({ command: "(exit 9) & wait; (exit 8); exit 4" });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 4 });
  });

  stage.behaviour("has the last 64 KiB of stderr with it", [], async () => {
    const { job } = await stage.run({
      command: "head -c 100000 /dev/zero | tr '\\0' a >&2; printf oops >&2; exit 1",
    });
    expect(job.stderrTail).toHaveLength(65_536);
    expect(job.stderrTail).toEndWith("aoops");
  });

  stage.behaviour("with another code that counts as success", ["successExitCodes"], async () => {
    const successExitCodes = [2, 3];
    for (const [code, success] of [
      [0, false],
      [1, false],
      [2, true],
      [3, true],
    ] as const) {
      const { job } = await stage.run({ command: `exit ${code}`, successExitCodes });
      expect(job.outcome).toMatchObject({ reason: "exited", code, success });
    }
    const { job } = await stage.run({ command: "kill -TERM $$", successExitCodes: [0, 143] });
    expect(job.outcome).toMatchObject({ signal: "SIGTERM", success: false });
  });

  stage.behaviour("times are in their order, and there is a pid", [], async () => {
    const before = Date.now();
    const { job } = await stage.run({ command: "sleep 0.05" });
    const times = [job.createdAt, job.startedAt, job.endedAt].map((time) => Date.parse(time ?? ""));
    const all = [before, ...times, Date.now()];
    expect(all).toEqual(all.toSorted((a, b) => a - b));
    // How long it ran in the eyes of the server, which may have been held up itself.
    expect(job.durationNanoseconds).toBeGreaterThan(0);
    expect(job.pid).toBeGreaterThan(1);
  });
}

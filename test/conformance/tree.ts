import { expect } from "bun:test";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import type { Run } from "./adapter.ts";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

/** Many at once are another matter. */
const shapes = Object.entries(treeShapes).filter(([, processes]) => processes < 10);

/** A stop ends all that came of a command. */
export function tree(stage: Stage): void {
  /** A stopped command must not look like one that has done its work. */
  const expectStopped = async ({ ended }: Run, signal: string) => {
    const told = await ended;
    if (stage.has("reason")) expect(told.reason).toBe("stopped");
    if (stage.has("ending")) expect([told.code, told.signal]).toEqual([null, signal]);
    else expect(told.whole).toBe(false);
    return told;
  };

  for (const [shape, processes] of shapes) {
    stage.behaviour(`${shape} is gone when its stop is answered`, [], async () => {
      const token = newToken();
      const run = await stage.begin({ command: [program(shape), token] });
      await untilLiving(token, processes);
      const job = await stage.stop((await stage.running(token)).id, 0.5);
      expect(withToken(token)).toEqual([]);
      // A leader that ignores TERM is killed.
      const signal = shape === "ignore-term" ? "SIGKILL" : "SIGTERM";
      expect(job.outcome).toMatchObject({
        reason: "stopped",
        code: null,
        signal,
        success: false,
        detail: null,
      });
      await expectStopped(run, signal);
    });
  }

  stage.behaviour("what was written before the stop arrives", [], async () => {
    const token = newToken();
    const run = await stage.begin({ command: [program("ignore-term"), token] });
    await untilLiving(token, 2);
    await stage.stop((await stage.running(token)).id, 0);
    expect(textOf((await expectStopped(run, "SIGKILL")).stdout)).toBe("ready\n");
  });

  stage.behaviour("a stop leaves other commands alone", [], async () => {
    const [token, other] = [newToken(), newToken()];
    await stage.begin({ command: [program("setsid-child"), token] });
    await stage.begin({ command: [program("setsid-child"), other] });
    await untilLiving(token, 2);
    await untilLiving(other, 2);
    await stage.stop((await stage.running(token)).id, 0.5);
    expect(withToken(token)).toEqual([]);
    await untilLiving(other, 2);
    await stage.stop((await stage.running(other)).id, 0.5);
    expect(withToken(other)).toEqual([]);
  });
}

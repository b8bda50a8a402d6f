import { expect } from "bun:test";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

const shapes = ["background-child", "setsid-child", "setsid-cleared", "daemonize", "daemonize-cleared"];

/** What outlives a command that has ended by itself. */
export function leftovers(stage: Stage): void {
  stage.behaviour("are left alone", [], async () => {
    const token = newToken();
    const { told, job } = await stage.run({ command: [program("leave-behind"), token] });
    expect([textOf(told.stdout), job.outcome?.code]).toEqual(["left\n", 0]);
    await untilLiving(token, 1);
  });

  stage.behaviour("are left alone by the stop of another command", [], async () => {
    const [left, token] = [newToken(), newToken()];
    await stage.run({ command: [program("leave-behind"), left] });
    await stage.begin({ command: [program("child"), token] });
    await stage.stop((await stage.running(token)).id, 0.5);
    expect(withToken(token)).toEqual([]);
    await untilLiving(left, 1);
  });

  for (const shape of shapes) {
    stage.behaviour(`${shape}: stopped, where that is wished`, ["leftoversStop"], async () => {
      const token = newToken();
      const { job } = await stage.run({ command: [program(shape), token, "end"], leftovers: "stop" });
      expect(withToken(token)).toEqual([]);
      // The command itself was not stopped.
      expect(job.outcome).toMatchObject({ reason: "exited", code: 0, success: true, detail: null });
    });
  }

  stage.behaviour(
    "that ignore TERM are killed after the grace time",
    ["leftoversStop", "runTimeout"],
    async () => {
      const token = newToken();
      const command = `(trap '' TERM; exec sleep 120 ${token}) </dev/null >/dev/null 2>&1 & echo started`;
      const { told, job } = await stage.run({ command, leftovers: "stop", stopGraceSeconds: 0.2 });
      expect([textOf(told.stdout), withToken(token), job.outcome?.success]).toEqual(["started\n", [], true]);
    },
  );

  stage.behaviour("that hold the pipe are stopped as well", ["leftoversStop"], async () => {
    const token = newToken();
    const { told, job } = await stage.run({ command: [program("hold-pipe"), token], leftovers: "stop" });
    expect([textOf(told.stdout), withToken(token), job.outcome?.code]).toEqual(["done\n", [], 0]);
  });

  stage.behaviour("none: nothing to stop", ["leftoversStop"], async () => {
    const { job } = await stage.run({ command: "exit 6", leftovers: "stop" });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 6 });
  });
}

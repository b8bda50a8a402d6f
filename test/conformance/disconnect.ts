import { expect } from "bun:test";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { until } from "../support/wait.ts";
import { fileWith, textOf } from "./bytes.ts";
import { jobOf, keptOf, type Stage } from "./stage.ts";

const shapes = [
  ["run-for-ever", 1],
  ["setsid-child", 2],
  ["daemonize-cleared", 2],
  ["ignore-term", 2],
] as const;

/** What becomes of a command when its client goes away. */
export function disconnect(stage: Stage): void {
  /** By then the server has noticed what happened before: its events come in order. */
  const settled = async () => {
    for (let turn = 0; turn < 10; turn += 1) await stage.run({ command: ["true"] });
  };

  for (const [shape, processes] of shapes) {
    const title = stage.has("stopsWithClient") ? "ends whole" : "runs on";
    stage.behaviour(`${shape} ${title}`, [], async () => {
      const token = newToken();
      const run = await stage.begin({ command: [program(shape), token] });
      await untilLiving(token, processes);
      const { id } = await stage.running(token);
      run.leave();
      if (stage.has("stopsWithClient")) {
        await untilGone(token);
        expect((await jobOf(stage.server, id)).outcome).toMatchObject({
          reason: "disconnected",
          success: false,
        });
        return;
      }
      await settled();
      await untilLiving(token, processes);
      expect((await stage.running(token)).id).toBe(id);
      expect((await stage.stop(id, 0.2)).outcome).toMatchObject({ reason: "stopped" });
      expect(withToken(token)).toEqual([]);
    });
  }

  stage.behaviour("what it writes afterwards is kept", ["keptOutput"], async () => {
    const token = newToken();
    const gate = `gate-${token}`;
    const command = `echo before; ${program("wait-for-file")} ${token} ${stage.home}/${gate}; echo after; exit 3`;
    const run = await stage.begin({ command });
    await until(() => withToken(token).length > 0, { describe: "the command to run" });
    const { id } = await stage.running(token);
    run.leave();
    await settled();
    fileWith(stage, gate, "");
    expect((await jobOf(stage.server, id)).outcome).toMatchObject({ reason: "exited", code: 3 });
    expect(textOf(await keptOf(stage.server, id, "stdout"))).toBe("before\nafter\n");
  });

  stage.behaviour("other commands are not touched", [], async () => {
    const [token, other] = [newToken(), newToken()];
    const run = await stage.begin({ command: [program("run-for-ever"), token] });
    await stage.begin({ command: [program("run-for-ever"), other] });
    await untilLiving(token, 1);
    await untilLiving(other, 1);
    run.leave();
    if (stage.has("stopsWithClient")) await untilGone(token);
    await settled();
    await untilLiving(other, 1);
    expect((await stage.stop((await stage.running(other)).id, 1)).outcome?.reason).toBe("stopped");
  });
}

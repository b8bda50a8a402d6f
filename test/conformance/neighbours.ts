import { expect } from "bun:test";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { until } from "../support/wait.ts";
import { fileWith, textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

const many = 50;

/** Commands that run at the same time have nothing to do with each other. */
export function neighbours(stage: Stage): void {
  stage.behaviour("see neither each other's environment nor each other's output", ["env"], async () => {
    const names = ["left", "right"];
    const tokens = names.map(() => newToken());
    const gate = `gate-${tokens[0]}`;
    const runs = names.map((name, index) =>
      stage.begin({
        command: `echo "$NAME"; ${program("wait-for-file")} ${tokens[index]} ${stage.home}/${gate}; env | grep ^NAME=; echo "$NAME" >&2`,
        env: { NAME: name, [name]: "own" },
      }),
    );
    await until(() => tokens.every((token) => withToken(token).length > 0), { describe: "both to run" });
    fileWith(stage, gate, "");
    for (const [index, run] of runs.entries()) {
      const told = await (await run).ended;
      const name = names[index];
      expect(textOf(told.stdout)).toBe(`${name}\nNAME=${name}\n`);
      if (stage.has("stderr")) expect(textOf(told.stderr)).toBe(`${name}\n`);
    }
  });

  stage.behaviour(`${many} at once are all right`, [], async () => {
    const command = (number: number) =>
      `n=${number}; echo "number $n"; echo "error $n" >&2; seq "$n" 2000; exit "$n"`;
    const numbers = Array.from({ length: many }, (_, index) => index);
    const runs = await Promise.all(numbers.map((number) => stage.run({ command: command(number) })));
    expect(new Set(runs.map(({ job }) => job.id)).size).toBe(many);
    for (const [number, { told, job }] of runs.entries()) {
      const counted = Array.from({ length: 2_001 - number }, (_, index) => `${number + index}\n`).join("");
      expect(textOf(told.stdout)).toBe(`number ${number}\n${counted}`);
      expect([job.outcome?.code, job.stderrTail]).toEqual([number, `error ${number}\n`]);
      if (stage.has("stderr")) expect(textOf(told.stderr)).toBe(`error ${number}\n`);
    }
  });

  stage.behaviour("a flood beside them does not change them", [], async () => {
    const token = newToken();
    const command = `head -c 8388608 /dev/zero | tr '\\0' z; exec ${program("run-for-ever")} ${token}`;
    await stage.begin({ command });
    for (let turn = 0; turn < 10; turn += 1) {
      const { told } = await stage.run({ command: ["echo", `turn ${turn}`] });
      expect(textOf(told.stdout)).toBe(`turn ${turn}\n`);
    }
    await stage.stop((await stage.running(token)).id, 1);
  });
}

// Ctrl-C and the other signals that end a program reach the command.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { argumentsOf } from "../support/proc.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, errandProgram, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli, type RunningCli } from "./support/cli.ts";

afterAll(endEverything);

let cli: Cli;
beforeAll(async () => {
  cli = new Cli(await startServer());
});

/** The processes of a command. The program that hands it on has the command's words among its own, and is none of them. */
const living = (token: string) => withToken(token).filter((pid) => !argumentsOf(pid).includes("run"));

async function untilRunning(token: string): Promise<void> {
  await until(() => living(token).length === 2, { describe: "the command and its child to run" });
}

/** Runs a line of the shell, and waits until it has said that it is ready. */
async function ready(line: string, ...options: string[]): Promise<RunningCli> {
  const running = cli.start(["run", ...options, "--shell", line]);
  await until(() => running.output.stdout.includes("ready\n"), { describe: "the command to be ready" });
  return running;
}

async function states(): Promise<string[]> {
  const { stdout } = await cli.run(["ps", "--json"]);
  return JSON.parse(stdout).jobs.map(({ state }: { state: string }) => state);
}

describe("is handed on, and the command ends as it likes:", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
  ] as const)("%s", async (signal, code) => {
    const token = newToken();
    const running = cli.start(["run", "--", program("child"), token]);
    await untilRunning(token);
    running.signal(signal);
    expect(await running.ended).toMatchObject({ code, stderr: "" });
    await untilGone(token);
  });

  test("a command that takes it as a wish decides by itself", async () => {
    const running = await ready("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done");
    running.signal("SIGINT");
    expect(await running.ended).toMatchObject({ code: 7, stdout: "ready\ncaught\n", stderr: "" });
  });

  test("two that are far apart are two wishes", async () => {
    const running = await ready(
      "n=0; trap 'n=$((n+1)); echo $n' INT; echo ready; while [ $n -lt 2 ]; do sleep 0.05; done; exit 8",
    );
    running.signal("SIGINT");
    await until(() => running.output.stdout.endsWith("1\n"), { describe: "the first" });
    await Bun.sleep(1_100);
    running.signal("SIGINT");
    expect(await running.ended).toMatchObject({ code: 8, stdout: "ready\n1\n2\n", stderr: "" });
  });
});

test("what is started with a signal ignored goes on ignoring it", async () => {
  const line = `trap '' HUP; exec "$0" run --shell "trap 'echo caught' HUP; echo ready; sleep 1; echo done"`;
  const running = cli.through(["sh", "-c", line, errandProgram]);
  await until(() => running.output.stdout === "ready\n", { describe: "the command to be ready" });
  running.signal("SIGHUP");
  expect(await running.ended).toMatchObject({ code: 0, stdout: "ready\ndone\n", stderr: "" });
});

describe("a second Ctrl-C within a second", () => {
  test("stops it with everything it started", async () => {
    const token = newToken();
    const line = `trap '' INT; ${program("setsid-child")} ${token} & echo ready; wait; sleep 60`;
    const running = await ready(line);
    await untilLiving(token, 2);
    running.signal("SIGINT");
    await Bun.sleep(200);
    expect(living(token)).toHaveLength(2);
    running.signal("SIGINT");
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([143, "errand: the job was stopped\n"]);
    await untilGone(token);
  });

  test("and a third one goes away from what takes its time", async () => {
    const running = await ready("trap '' INT TERM; echo ready; sleep 4");
    for (let count = 0; count < 3; count += 1) {
      running.signal("SIGINT");
      await Bun.sleep(200);
    }
    const { code, stderr } = await running.ended;
    expect(code).toBe(125);
    expect(stderr).toMatch(/job \d+ may still run\n {2}errand stop \d+\n$/);
    await until(async () => (await states()).length === 0, { describe: "the end of the job" });
  });
});

test("what waits in a queue is taken out of it", async () => {
  const first = await ready("echo ready; sleep 30", "--alias", "one");
  const second = cli.start(["run", "--alias", "one", "--alias-policy", "queue", "--", "echo", "never"]);
  await until(async () => (await states()).includes("queued"), { describe: "the second to wait" });
  second.signal("SIGINT");
  const told = await second.ended;
  expect([told.code, told.stdout]).toEqual([125, ""]);
  expect(await states()).toEqual(["running"]);
  first.signal("SIGINT");
  expect((await first.ended).code).toBe(130);
});

describe("what is killed itself cannot say goodbye:", () => {
  test("with --on-disconnect kill the command goes with it", async () => {
    const token = newToken();
    const running = cli.start(["run", "--on-disconnect", "kill", "--", program("child"), token]);
    await untilRunning(token);
    running.signal("SIGKILL");
    await untilGone(token);
  });

  test("with a time it goes on for that time", async () => {
    const token = newToken();
    const running = cli.start(["run", "--on-disconnect", "2s", "--", program("child"), token]);
    await untilRunning(token);
    running.signal("SIGKILL");
    await Bun.sleep(1_000);
    expect(living(token)).toHaveLength(2);
    await untilGone(token);
  });

  test("with detach it stays", async () => {
    const token = newToken();
    const running = cli.start(["run", "--on-disconnect", "detach", "--", program("child"), token]);
    await untilRunning(token);
    running.signal("SIGKILL");
    await Bun.sleep(1_500);
    expect(living(token)).toHaveLength(2);
    const { stdout } = await cli.run(["ps", "--ids"]);
    await cli.run(["stop", "--grace", "0", ...stdout.trim().split("\n")]);
    await untilGone(token);
  });
});

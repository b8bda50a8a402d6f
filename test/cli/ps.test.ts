// What a list of jobs shows.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command } from "../support/command.ts";
import { newAlias } from "../support/jobs.ts";
import { endEverything, errandProgram, type Server, startServer } from "../support/server.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let server: Server;
let cli: Cli;
beforeAll(async () => {
  server = await startServer();
  cli = new Cli(server);
});

describe("ps", () => {
  test("shows what runs, newest first, and with --all what has ended", async () => {
    const alias = newAlias("a b");
    const old = await cli.launchToEnd("--label", "of=ps", "--shell", "exit 3");
    const killed = await cli.launchToEnd("--label", "of=ps", "--shell", "kill -9 $$");
    const running = await cli.launch(
      "--label",
      "of=ps",
      "--alias",
      alias,
      "--",
      "sh",
      "-c",
      "sleep 60",
      "it's",
    );
    const live = await cli.run(["ps", "--label", "of=ps"]);
    expect([live.code, live.stderr]).toEqual([0, ""]);
    const [titles, row, ...none] = live.stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^ID +STATE +AGE +ALIAS +COMMAND$/);
    expect(row).toMatch(
      new RegExp(`^${running}  running  \\d\\S*s +${alias}  sh -c 'sleep 60' 'it'\\\\''s'$`),
    );
    expect(none).toEqual([]);
    const all = await cli.run(["ps", "-a", "--label", "of=ps"]);
    const states = all.stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(/ {2,}/).slice(0, 2));
    expect(states).toEqual([
      [running, "running"],
      [killed, "ended SIGKILL"],
      [old, "ended 3"],
    ]);
    expect((await cli.run(["ps", "-a", "--ids", "-n", "2", "--label", "of"])).stdout).toBe(
      `${running}\n${killed}\n`,
    );
    expect((await cli.run(["ps", "--state", "ended", "--ids", "--label", "of=ps"])).stdout).toBe(
      `${killed}\n${old}\n`,
    );
    expect((await cli.run(["ps", "--alias", alias, "--ids"])).stdout).toBe(`${running}\n`);
    const { jobs } = JSON.parse((await cli.run(["ps", "--json", "--alias", alias])).stdout);
    expect(jobs).toEqual([expect.objectContaining({ id: running, state: "running", alias })]);
    await cli.run(["stop", running]);
  });

  test("goes over all pages", async () => {
    const ids: string[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const more = Array.from({ length: 5 }, () => cli.launch("--label", "of=pages", "--", "true"));
      ids.push(...(await Promise.all(more)));
    }
    const { stdout } = await cli.run(["ps", "-a", "--ids", "--label", "of=pages"]);
    expect(stdout.trim().split("\n").toSorted()).toEqual(ids.toSorted());
    const some = await cli.run(["ps", "-a", "--ids", "--label", "of=pages", "-n", "55"]);
    expect(some.stdout.trim().split("\n")).toHaveLength(55);
  }, 60_000);

  test("is cut to a terminal's width, and what would repaint it is escaped", async () => {
    const id = await cli.launch(
      "--label",
      "of=tty",
      "--",
      "sh",
      "-c",
      "sleep 60",
      "\u001b[31mred\u001b[0m",
      "x".repeat(300),
    );
    const env = { ERRAND_URL: server.url, ERRAND_TOKEN: server.token };
    const line = `stty cols 80; '${errandProgram}' ps --label of=tty`;
    const { stdout } = await command(["script", "-qec", line, "/dev/null"], { env });
    const lines = stdout.trimEnd().split("\r\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toStartWith(id);
    expect(lines[1]).toContain("\\e[31m");
    expect(stdout).not.toContain("\u001b[31m");
    expect(lines.map((text) => [...text].length <= 80)).toEqual([true, true]);
    const whole = await cli.run(["ps", "--label", "of=tty"]);
    expect(whole.stdout).toContain("x".repeat(300));
    await cli.run(["stop", "--grace", "0", id]);
  });
});

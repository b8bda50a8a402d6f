// Jobs in the background: waited for, stopped, signalled, forgotten.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let cli: Cli;
beforeAll(async () => {
  cli = new Cli(await startServer());
});

describe("wait", () => {
  test("ends as the job did, and as it will", async () => {
    expect(await cli.run(["wait", await cli.launch("--shell", "exit 42")])).toMatchObject({
      code: 42,
      stdout: "",
      stderr: "",
    });
    expect((await cli.run(["wait", await cli.launch("--shell", "sleep 0.3; kill -2 $$")])).code).toBe(130);
    const json = await cli.run(["wait", "--json", await cli.launch("true")]);
    expect([json.code, JSON.parse(json.stdout).state]).toEqual([0, "ended"]);
  });

  test("no longer than it is told to", async () => {
    const id = await cli.launch("--", "sleep", "60");
    const told = await cli.run(["wait", "--timeout", "0.3", id]);
    expect([told.code, told.stderr]).toEqual([125, expect.stringContaining("runs on")]);
    expect((await cli.run(["wait", "--timeout", "0", id])).code).toBe(125);
    await cli.run(["stop", "--grace", "0", id]);
    expect((await cli.run(["wait", id])).code).toBe(137);
  });

  test("and going away leaves the job alone", async () => {
    const id = await cli.launch("--", "sleep", "60");
    const running = cli.start(["wait", id]);
    await Bun.sleep(500);
    running.signal("SIGINT");
    const { code, signal } = await running.ended;
    expect(code === 130 || signal === "SIGINT").toBe(true);
    expect((await cli.run(["ps", "--ids"])).stdout).toContain(id);
    await cli.run(["stop", "--grace", "0", id]);
  });
});

describe("stop and signal", () => {
  test("stop ends whole trees, and says how they ended", async () => {
    const tokens = [newToken(), newToken()];
    const ids = [];
    for (const token of tokens) ids.push(await cli.launch("--", program("setsid-child"), token));
    for (const token of tokens) await untilLiving(token, 2);
    const told = await cli.run(["stop", ...ids]);
    expect([told.code, told.stderr]).toEqual([0, ""]);
    expect(told.stdout.trimEnd().split("\n").toSorted()).toEqual(
      ids.map((id) => `${id}  stopped SIGTERM`).toSorted(),
    );
    for (const token of tokens) expect(withToken(token)).toEqual([]);
    const again = await cli.run(["stop", "--json", ids[0] ?? ""]);
    expect(JSON.parse(again.stdout)).toMatchObject({ id: ids[0], state: "ended" });
  });

  test("--grace says when it kills", async () => {
    const token = newToken();
    const id = await cli.launch("--", program("ignore-term"), token);
    await untilLiving(token, 2);
    expect((await cli.run(["stop", "--grace", "0.2", id])).stdout).toBe(`${id}  stopped SIGKILL\n`);
  });

  test("one that fails does not keep the others from being stopped", async () => {
    const token = newToken();
    const id = await cli.launch("--", program("child"), token);
    const told = await cli.run(["stop", "1", id, "nonsense"]);
    expect(told.code).toBe(1);
    expect(told.stdout).toStartWith(id);
    expect(told.stderr).toContain("errand: 1: ");
    expect(told.stderr).toContain("2 of 3 failed");
    await untilGone(token);
  });

  test("signal reaches the command by any name", async () => {
    const line =
      "trap 'echo one' USR1; trap 'echo two; exit 6' TERM; echo ready; while :; do sleep 0.02; done";
    const id = await cli.launch("--shell", line);
    const says = (text: string) =>
      until(async () => (await cli.run(["logs", id])).stdout === text, { describe: JSON.stringify(text) });
    await says("ready\n");
    expect(await cli.run(["signal", id, "usr1"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await says("ready\none\n");
    expect(JSON.parse((await cli.run(["signal", "--json", id, "15"])).stdout)).toMatchObject({ id });
    expect((await cli.run(["wait", id])).code).toBe(6);
    const late = await cli.run(["signal", id, "INT"]);
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining("(not-running)")]);
  });
});

describe("rm", () => {
  test("forgets ended jobs, and refuses those that run", async () => {
    const gone = await cli.launchToEnd("true");
    const running = await cli.launch("--", "sleep", "60");
    const told = await cli.run(["rm", gone, running]);
    expect([told.code, told.stdout]).toEqual([1, `${gone}\n`]);
    expect(told.stderr).toContain("(still-running)");
    expect((await cli.run(["logs", gone])).code).toBe(1);
    await cli.run(["stop", "--grace", "0", running]);
  });

  test("forgets what has ended long enough ago", async () => {
    const old = await cli.launchToEnd("true");
    expect((await cli.run(["rm", "--ended-before", "1h"])).stdout).not.toContain(old);
    const dry = await cli.run(["rm", "--ended-before", "0", "--dry-run"]);
    expect(dry.stdout).toContain(old);
    const sorted = (text: string) => text.split("\n").toSorted();
    expect(sorted((await cli.run(["rm", "--ended-before", "0"])).stdout)).toEqual(sorted(dry.stdout));
    expect((await cli.run(["ps", "-a", "--state", "ended", "--ids"])).stdout).toBe("");
  });
});

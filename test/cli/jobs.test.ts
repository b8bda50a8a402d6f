// Jobs in the background, from their start to the day they are forgotten.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { allValues } from "../conformance/bytes.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { newAlias } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, errandProgram, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let server: Server;
let cli: Cli;
beforeAll(async () => {
  server = await startServer();
  cli = new Cli(server);
});

async function start(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.run(["start", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^\d+\n$/);
  return stdout.trim();
}

async function ended(...args: string[]): Promise<string> {
  const id = await start(...args);
  await cli.run(["wait", id]);
  return id;
}

describe("start", () => {
  test("prints the id while the job runs, and --json the job", async () => {
    const id = await start("--", "sleep", "60");
    expect((await cli.run(["ps", "--ids"])).stdout.split("\n")).toContain(id);
    await cli.run(["stop", "--grace", "0", id]);
    const told = await cli.run(["start", "--json", "--label", "a=b", "--shell", "true"]);
    expect(JSON.parse(told.stdout)).toMatchObject({
      mode: "background",
      labels: { a: "b" },
      command: ["/bin/sh", "-c", "true"],
    });
  });

  test("with --wait ends as the job does", async () => {
    const told = await cli.run(["start", "--wait", "--shell", "sleep 0.2; exit 9"]);
    expect(told).toMatchObject({ code: 9, stdout: expect.stringMatching(/^\d+\n$/), stderr: "" });
    const json = await cli.run(["start", "--wait", "--json", "true"]);
    expect([json.code, JSON.parse(json.stdout).state]).toEqual([0, "ended"]);
  });

  test("a second time with the same key is the same job", async () => {
    const key = `key-${newAlias()}`;
    const first = await start("--idempotency-key", key, "--", "true");
    expect(await start("--idempotency-key", key, "--", "true")).toBe(first);
    const other = await cli.run(["start", "--idempotency-key", key, "--", "false"]);
    expect([other.code, other.stdout]).toEqual([125, ""]);
  });

  test("lets go with --detached", async () => {
    const token = newToken();
    const id = await start("--detached", "--", program("child"), token);
    await untilLiving(token, 2);
    expect((await cli.run(["wait", id])).code).toBe(125);
  });

  test("takes a description from a file, over which what is typed wins", async () => {
    const file = join(temporaryDirectory(), "job.json");
    writeFileSync(
      file,
      JSON.stringify({ command: ["sh", "-c", "echo $A $B; pwd"], env: { A: "file", B: "file" }, cwd: "/" }),
    );
    const told = await cli.run(["run", "--spec", file, "-e", "B=typed", "--cwd", "/tmp"]);
    expect(told).toMatchObject({ code: 0, stdout: "file typed\n/tmp\n", stderr: "" });
    const other = await cli.run(["run", "--spec", file, "--", "echo", "typed"]);
    expect(other.stdout).toBe("typed\n");
    writeFileSync(file, '{"comand": ["ls"]}');
    const wrong = await cli.run(["run", "--spec", file, "--", "ls"]);
    expect([wrong.code, wrong.stderr]).toEqual([125, expect.stringContaining("command")]);
    writeFileSync(file, "[1]");
    expect((await cli.run(["run", "--spec", file])).stderr).toContain(file);
  });

  test("policies of an alias", async () => {
    const alias = newAlias();
    const first = await start("--alias", alias, "--", "sleep", "60");
    const refused = await cli.run(["start", "--alias", alias, "--", "true"]);
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining("(already-running)")]);
    expect(await start("--alias", alias, "--alias-policy", "join", "--", "sleep", "60")).toBe(first);
    const queued = await start("--alias", alias, "--alias-policy", "queue", "--", "echo", "queued");
    const replacing = await start("--alias", alias, "--alias-policy", "replace", "--", "echo", "replacing");
    expect(new Set([first, queued, replacing]).size).toBe(3);
    for (const id of [queued, replacing]) expect((await cli.run(["wait", id])).code).toBe(0);
    expect((await cli.run(["wait", first])).code).toBe(143);
  });
});

describe("ps", () => {
  test("shows what runs, newest first, and with --all what has ended", async () => {
    const alias = newAlias("a b");
    const old = await ended("--label", "of=ps", "--shell", "exit 3");
    const killed = await ended("--label", "of=ps", "--shell", "kill -9 $$");
    const running = await start("--label", "of=ps", "--alias", alias, "--", "sh", "-c", "sleep 60", "it's");
    const live = await cli.run(["ps", "--label", "of=ps"]);
    expect([live.code, live.stderr]).toEqual([0, ""]);
    const [titles, row, ...none] = live.stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^ID +STATE +AGE +ALIAS +COMMAND$/);
    expect(row).toMatch(new RegExp(`^${running}  running  \\d.*s  ${alias}  sh -c 'sleep 60' 'it'\\\\''s'$`));
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
      const more = Array.from({ length: 5 }, () => start("--label", "of=pages", "--", "true"));
      ids.push(...(await Promise.all(more)));
    }
    const { stdout } = await cli.run(["ps", "-a", "--ids", "--label", "of=pages"]);
    expect(stdout.trim().split("\n").toSorted()).toEqual(ids.toSorted());
    const some = await cli.run(["ps", "-a", "--ids", "--label", "of=pages", "-n", "55"]);
    expect(some.stdout.trim().split("\n")).toHaveLength(55);
  }, 60_000);

  test("is cut to a terminal's width, and what would repaint it is escaped", async () => {
    const id = await start(
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

describe("logs", () => {
  const lines = "echo one; echo two; echo three >&2; printf four";

  test("prints both streams where they belong, or one of them", async () => {
    const id = await ended("--shell", lines);
    expect(await cli.run(["logs", id])).toMatchObject({
      code: 0,
      stdout: "one\ntwo\nfour",
      stderr: "three\n",
    });
    expect(await cli.run(["logs", "--stdout", id])).toMatchObject({ stdout: "one\ntwo\nfour", stderr: "" });
    expect(await cli.run(["logs", "--stderr", id])).toMatchObject({ stdout: "", stderr: "three\n" });
    expect(await cli.run(["logs", "-f", "--stdout", "--stderr", id])).toMatchObject({ stderr: "three\n" });
  });

  test("byte for byte", async () => {
    const file = join(temporaryDirectory(), "values");
    writeFileSync(file, allValues);
    const { stdoutBytes } = await cli.run(["logs", await ended("--", "cat", file)]);
    expect(Buffer.compare(stdoutBytes, allValues)).toBe(0);
  });

  test("with --tail the last lines, and with -f what comes after them", async () => {
    const gate = join(temporaryDirectory(), "gate");
    const token = newToken();
    const line = `seq 1 1000; ${program("wait-for-file")} ${token} ${gate}; echo after; exit 4`;
    const id = await start("--shell", line);
    const written = async () => (await cli.run(["logs", "--tail", "1", id])).stdout === "1000\n";
    await until(written, { describe: "the thousandth line" });
    const running = cli.start(["logs", "-f", "--tail", "2", id]);
    await until(() => running.output.stdout === "999\n1000\n", { describe: "the last lines" });
    writeFileSync(gate, "");
    expect(await running.ended).toMatchObject({ code: 0, stdout: "999\n1000\nafter\n", stderr: "" });
    expect((await cli.run(["logs", "-f", "--tail", "0", id])).stdout).toBe("");
  });

  test("goes on where an earlier one has ended", async () => {
    const id = await ended("--shell", "echo one; sleep 0.1; echo between >&2; sleep 0.1; echo two");
    const { stdout } = await cli.run(["logs", "--json", id]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const first = events.find(({ type }) => type === "stdout");
    expect(first.text).toBe("one\n");
    expect((await cli.run(["logs", "--since", first.cursor, id])).stdout).toBe("two\n");
    expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { code: 0 } });
  });

  test("tells that output is missing", async () => {
    const small = await startServer({ env: { ERRAND_LIMITS_KEPT_OUTPUT_BYTES: "1000" } });
    const other = new Cli(small);
    const { stdout } = await other.run(["start", "--shell", "seq 1 1000; sleep 0.2"]);
    await other.run(["wait", stdout.trim()]);
    const told = await other.run(["logs", stdout.trim()]);
    expect(told.stdoutBytes.byteLength).toBe(1_000);
    expect(told.stderr).toContain("not whole");
    const run = await other.run(["run", "--shell", "seq 1 1000; sleep 0.2"]);
    if (run.stdoutBytes.byteLength < 3_893)
      expect([run.code, run.stderr]).toEqual([125, expect.stringContaining("not whole")]);
    else expect(run.code).toBe(0);
  });

  test("of no such job", async () => {
    expect(await cli.run(["logs", "1"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("not-found"),
    });
  });
});

describe("wait", () => {
  test("ends as the job did, and as it will", async () => {
    expect(await cli.run(["wait", await start("--shell", "exit 42")])).toMatchObject({
      code: 42,
      stdout: "",
      stderr: "",
    });
    expect((await cli.run(["wait", await start("--shell", "sleep 0.3; kill -2 $$")])).code).toBe(130);
    const json = await cli.run(["wait", "--json", await start("true")]);
    expect([json.code, JSON.parse(json.stdout).state]).toEqual([0, "ended"]);
  });

  test("no longer than it is told to", async () => {
    const id = await start("--", "sleep", "60");
    const told = await cli.run(["wait", "--timeout", "0.3", id]);
    expect([told.code, told.stderr]).toEqual([125, expect.stringContaining("runs on")]);
    expect((await cli.run(["wait", "--timeout", "0", id])).code).toBe(125);
    await cli.run(["stop", "--grace", "0", id]);
    expect((await cli.run(["wait", id])).code).toBe(137);
  });

  test("and going away leaves the job alone", async () => {
    const id = await start("--", "sleep", "60");
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
    for (const token of tokens) ids.push(await start("--", program("setsid-child"), token));
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
    const id = await start("--", program("ignore-term"), token);
    await untilLiving(token, 2);
    expect((await cli.run(["stop", "--grace", "0.2", id])).stdout).toBe(`${id}  stopped SIGKILL\n`);
  });

  test("one that fails does not keep the others from being stopped", async () => {
    const token = newToken();
    const id = await start("--", program("child"), token);
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
    const id = await start("--shell", line);
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
    const gone = await ended("true");
    const running = await start("--", "sleep", "60");
    const told = await cli.run(["rm", gone, running]);
    expect([told.code, told.stdout]).toEqual([1, `${gone}\n`]);
    expect(told.stderr).toContain("(still-running)");
    expect((await cli.run(["logs", gone])).code).toBe(1);
    await cli.run(["stop", "--grace", "0", running]);
  });

  test("forgets what has ended long enough ago", async () => {
    const old = await ended("true");
    expect((await cli.run(["rm", "--ended-before", "1h"])).stdout).not.toContain(old);
    const dry = await cli.run(["rm", "--ended-before", "0", "--dry-run"]);
    expect(dry.stdout).toContain(old);
    const sorted = (text: string) => text.split("\n").toSorted();
    expect(sorted((await cli.run(["rm", "--ended-before", "0"])).stdout)).toEqual(sorted(dry.stdout));
    expect((await cli.run(["ps", "-a", "--state", "ended", "--ids"])).stdout).toBe("");
  });
});

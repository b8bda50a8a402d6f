// What goes in and out of `errand run` is what the command reads and writes, byte for byte.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { allValues, numbered } from "../conformance/bytes.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { allProcesses, argumentsOf, statusField } from "../support/proc.ts";
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

const residentKilobytes = (pid: number) => Number.parseInt(statusField(pid, "VmRSS") ?? "0", 10);

const megabyte = 1_000_000;
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("stdin", () => {
  test("100 MB go through cat and back", async () => {
    const input = numbered(100 * megabyte);
    const told = await cli.run(["run", "--", "cat"], { stdin: input, timeoutMilliseconds: 100_000 });
    expect([told.code, told.stderr, told.stdoutBytes.byteLength]).toEqual([0, "", input.byteLength]);
    expect(Buffer.compare(told.stdoutBytes, input)).toBe(0);
  }, 120_000);

  test("of a file with the job is what is typed about it, if anything is", async () => {
    const file = join(temporaryDirectory("spec"), "job.json");
    writeFileSync(file, JSON.stringify({ command: ["cat"], stdin: { text: "of the file" } }));
    const outOf = async (...flags: string[]) =>
      (await cli.run(["run", "--spec", file, ...flags], { stdin: bytesOf("typed") })).stdout;
    expect([await outOf(), await outOf("--stdin", "none"), await outOf("--stdin", "inherit")]).toEqual([
      ...["of the file", "", "typed"],
    ]);
    const told = await cli.run(["start", "--spec", file, "--stdin", "none"]);
    expect(await cli.run(["logs", "-f", told.stdout.trim()])).toMatchObject({ code: 0, stdout: "" });
  });

  test("binary is not changed, and its end is told", async () => {
    const told = await cli.run(["run", "--", "cat"], { stdin: allValues });
    expect(Buffer.compare(told.stdoutBytes, allValues)).toBe(0);
    const empty = await cli.run(["run", "--", "wc", "-c"], { stdin: new Uint8Array(0) });
    expect(empty.stdout.trim()).toBe("0");
  });

  test("arrives as it is written, and the command answers meanwhile", async () => {
    const running = cli.start(["run", "--", "sh", "-c", "while read -r line; do echo got $line; done"], {
      stdin: "pipe",
    });
    for (const word of ["one", "two", "three"]) {
      running.stdin?.write(`${word}\n`);
      running.stdin?.flush();
      await until(() => running.output.stdout.endsWith(`got ${word}\n`), {
        describe: `the answer to ${word}`,
      });
    }
    running.stdin?.end();
    expect(await running.ended).toMatchObject({
      code: 0,
      stdout: "got one\ngot two\ngot three\n",
      stderr: "",
    });
  });

  test("that cannot be read ends the run and the command, and is told", async () => {
    const script = 'exec "$@" </';
    const through = (...args: string[]) =>
      cli.through(["sh", "-c", script, "sh", errandProgram, ...args]).ended;
    const told = await through("run", "--", "cat");
    expect([told.code, told.stdout]).toEqual([125, ""]);
    expect(told.stderr).toStartWith("errand: stdin cannot be read: EISDIR");
    const { jobs } = (await (await server.request("/v1/jobs?limit=1")).json()) as { jobs: { id: string }[] };
    expect(jobs).toMatchObject([{ state: "ended", outcome: { reason: "stopped" } }]);
    // One that somebody else has started is left alone.
    const id = await cli.launch("--", "sleep", "60");
    const attached = await through("attach", id);
    expect([attached.code, attached.stderr]).toEqual([125, told.stderr]);
    expect(await (await server.request(`/v1/jobs/${id}`)).json()).toMatchObject({ state: "running" });
    await cli.run(["stop", id]);
  });

  test("a command that reads no more ends the run, whatever still comes", async () => {
    const running = cli.start(["run", "--", "head", "-n", "1"], { stdin: "pipe" });
    running.stdin?.write("first\nsecond\n");
    running.stdin?.flush();
    expect(await running.ended).toMatchObject({ code: 0, stdout: "first\n", stderr: "" });
    const many = await cli.run(["run", "--", "true"], { stdin: numbered(5 * megabyte) });
    expect([many.code, many.stderr]).toEqual([0, ""]);
  });

  test("a command that does not read holds the input back, not in our memory", async () => {
    const running = cli.start(["run", "--", "sleep", "60"], { stdin: "pipe" });
    const piece = new Uint8Array(megabyte);
    let written = 0;
    const writing = (async () => {
      for (; written < 300; written += 1) {
        running.stdin?.write(piece);
        await running.stdin?.flush();
      }
    })();
    writing.catch(() => undefined);
    await until(() => written > 0, { describe: "the first megabyte to be taken" });
    await Bun.sleep(1_500);
    expect([written < 60, residentKilobytes(running.pid) < 250_000]).toEqual([true, true]);
    running.signal("SIGTERM");
    expect((await running.ended).code).toBe(143);
  });

  test("none is given with --stdin none, whatever there is", async () => {
    const told = await cli.run(["run", "--stdin", "none", "--", "cat"], { stdin: bytesOf("unread") });
    expect([told.code, told.stdout]).toEqual([0, ""]);
  });

  test("start takes all of it first", async () => {
    const options = { stdin: bytesOf("given with the start\n") };
    const { stdout: id } = await cli.run(["start", "--stdin", "inherit", "--", "cat"], options);
    const logs = await cli.run(["logs", "-f", id.trim()]);
    expect([logs.code, logs.stdout]).toEqual([0, "given with the start\n"]);
    const large = await cli.run(["start", "--stdin", "inherit", "--", "cat"], {
      stdin: numbered(6 * megabyte),
    });
    expect([large.code, large.stdout]).toEqual([125, ""]);
    expect(large.stderr).toContain("errand run");
  });
});

describe("output", () => {
  test("stdout and stderr go their own ways, byte for byte", async () => {
    const told = await cli.run(["run", "--", "sh", "-c", "cat; printf 'to \\303\\244rr' >&2"], {
      stdin: allValues,
    });
    expect(Buffer.compare(told.stdoutBytes, allValues)).toBe(0);
    expect([told.code, told.stderr]).toEqual([0, "to ärr"]);
  });

  test("with --merge both are stdout, in the order of writing", async () => {
    const told = await cli.run([
      "run",
      "--merge",
      "--shell",
      "for i in 1 2 3; do echo $i; echo $i >&2; done",
    ]);
    expect([told.stdout, told.stderr]).toEqual(["1\n1\n2\n2\n3\n3\n", ""]);
  });

  test("comes as it is written", async () => {
    const running = cli.start(["run", "--shell", "echo early; sleep 30"]);
    await until(() => running.output.stdout === "early\n", { describe: "the first line" });
    running.signal("SIGTERM");
    await running.ended;
  });

  test("a reader that goes away ends the command, and the run as SIGPIPE would", async () => {
    const line = `"$0" run -- sh -c 'while :; do echo line; done' | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const { ended } = cli.through(["bash", "-c", line, errandProgram]);
    expect(await ended).toMatchObject({ stdout: "line\nline\n141\n", stderr: "" });
    const none = async () => (await cli.run(["ps", "--ids"])).stdout === "";
    await until(none, { describe: "the end of the command" });
  });

  test("a reader that is slow holds the command back, not our memory", async () => {
    const line = `"$0" run -- sh -c 'exec cat /dev/zero' | sleep 3`;
    let isRunning = true;
    const { ended } = cli.through(["bash", "-c", line, errandProgram]);
    ended.finally(() => {
      isRunning = false;
    });
    let most = 0;
    while (isRunning) {
      const ours = allProcesses().filter((pid) => argumentsOf(pid).includes("exec cat /dev/zero"));
      most = Math.max(most, ...ours.map(residentKilobytes));
      await Bun.sleep(50);
    }
    expect([most > 10_000, most < 300_000]).toEqual([true, true]);
    const none = async () => (await cli.run(["ps", "--ids"])).stdout === "";
    await until(none, { describe: "the end of the command" });
  });

  test("as events it is lines of JSON", async () => {
    const told = await cli.run([
      "run",
      "--json",
      "--shell",
      "printf 'a\\303\\244'; printf '\\377' >&2; exit 4",
    ]);
    expect([told.code, told.stderr]).toEqual([4, ""]);
    const events = told.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({
      type: "started",
      cursor: expect.any(String),
      job: { state: "running" },
    });
    expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { code: 4 }, job: { state: "ended" } });
    expect(events).toContainEqual(expect.objectContaining({ type: "stdout", offset: 0, text: "aä" }));
    expect(events).toContainEqual(expect.objectContaining({ type: "stderr", offset: 0, base64: "/w==" }));
    expect(told.stdout).not.toContain("heartbeat");
  });
});

// What a job has written, while it runs and afterwards.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { allValues } from "../conformance/bytes.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let cli: Cli;
beforeAll(async () => {
  cli = new Cli(await startServer());
});

describe("logs", () => {
  const lines = "echo one; echo two; echo three >&2; printf four";

  test("prints both streams where they belong, or one of them", async () => {
    const id = await cli.launchToEnd("--shell", lines);
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
    const { stdoutBytes } = await cli.run(["logs", await cli.launchToEnd("--", "cat", file)]);
    expect(Buffer.compare(stdoutBytes, allValues)).toBe(0);
  });

  test("with --tail the last lines, and with -f what comes after them", async () => {
    const gate = join(temporaryDirectory(), "gate");
    const token = newToken();
    const line = `seq 1 1000; ${program("wait-for-file")} ${token} ${gate}; echo after; exit 4`;
    const id = await cli.launch("--shell", line);
    const written = async () => (await cli.run(["logs", "--tail", "1", id])).stdout === "1000\n";
    await until(written, { describe: "the thousandth line" });
    const running = cli.start(["logs", "-f", "--tail", "2", id]);
    await until(() => running.output.stdout === "999\n1000\n", { describe: "the last lines" });
    writeFileSync(gate, "");
    expect(await running.ended).toMatchObject({ code: 0, stdout: "999\n1000\nafter\n", stderr: "" });
    expect((await cli.run(["logs", "-f", "--tail", "0", id])).stdout).toBe("");
  });

  test("goes on where an earlier one has ended", async () => {
    const id = await cli.launchToEnd("--shell", "echo one; sleep 0.1; echo between >&2; sleep 0.1; echo two");
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

  test("tells that nothing is kept of a detached job", async () => {
    const id = await cli.launch("--detached", "--", "echo", "lost");
    const told = await cli.run(["logs", id]);
    expect([told.code, told.stdout]).toEqual([0, ""]);
    expect(told.stderr).toBe(
      "errand: the output is not whole: nothing is kept of a detached job but its start\n",
    );
  });

  test("of no such job", async () => {
    expect(await cli.run(["logs", "1"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("not-found"),
    });
  });
});

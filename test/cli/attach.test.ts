// `errand attach` and jobs with terminals where nobody sits at one.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";

let server: Server;
let cli: Cli;
beforeAll(async () => {
  server = await startServer();
  cli = new Cli(server);
});
afterAll(endEverything);

describe("a job without a terminal", () => {
  test("is shown from its begin, reads what comes in, and gives its exit code", async () => {
    const spec = JSON.stringify({ shell: "echo begun; echo bad >&2; cat; exit 3", stdin: "open" });
    const file = `${server.dataDir}/spec.json`;
    await Bun.write(file, spec);
    const id = await cli.launch("--spec", file);
    const told = await cli.run(["attach", "--replay", "all", id], { stdin: Buffer.from("typed\n") });
    expect(told).toMatchObject({ code: 3, stdout: "begun\ntyped\n", stderr: "bad\n" });
    // It has ended: what is kept is shown, and the same code given.
    expect(await cli.run(["attach", "--replay", "all", id])).toMatchObject({
      ...{ code: 3, stdout: "begun\ntyped\n", stderr: "bad\n" },
    });
  });

  test("that reads nothing is shown all the same", async () => {
    const id = await cli.launch("--shell", "sleep 0.3; echo over; kill -9 $$");
    const told = await cli.run(["attach", id], { stdin: Buffer.from("nobody reads it") });
    expect(told).toMatchObject({ code: 137, stdout: "over\n", stderr: "" });
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("is left alone after %s", async (signal, code) => {
    const id = await cli.launch("--shell", "echo begun; exec sleep 60");
    const running = cli.start(["attach", "--replay", "all", id]);
    await until(() => running.output.stdout === "begun\n", { describe: "the first line" });
    running.signal(signal);
    const { stderr, ...told } = await running.ended;
    expect(told.code).toBe(code);
    expect(stderr).toBe(`errand: ${signal}: left job ${id}; errand attach ${id} comes back to it\n`);
    expect((await cli.run(["ps", "--ids"])).stdout).toContain(id);
    await cli.run(["stop", id]);
  });
});

describe("a job with a terminal", () => {
  test("-t alone gives one at which nobody types", async () => {
    const line = "tty; stty size; echo $TERM";
    const told = await cli.run(["run", "-t", "--shell", `${line}; exit 7`], { env: { TERM: "vt100" } });
    expect(told).toMatchObject({ code: 7, stderr: "" });
    expect(told.stdout).toMatch(/^\/dev\/pts\/\d+\r\n24 80\r\nvt100\r\n$/);
  });

  test("-it needs one here, and says so", async () => {
    const told = await cli.run(["run", "-it", "--", "bash"]);
    expect([told.code, told.stdout]).toEqual([125, ""]);
    expect(told.stderr).toStartWith("errand: -it: stdin is no terminal\n");
    const json = await cli.run(["run", "-it", "--json", "--", "bash"]);
    expect([json.code, json.stderr]).toEqual([
      125,
      "errand: -it and --json: what is shown on a terminal are no events\n",
    ]);
    expect((await cli.run(["ps", "--ids"])).stdout).toBe("");
  });

  test("takes what is piped in as if it was typed", async () => {
    const id = await cli.launch("-t", "--", "sh");
    const told = await cli.run(["attach", id], { stdin: Buffer.from("stty size; exit 5\r") });
    expect(told).toMatchObject({ code: 5, stderr: "" });
    expect(told.stdout).toContain("24 80\r\n");
  });
});

test("a server behind a socket file is attached to as well", async () => {
  const socket = join(temporaryDirectory("socket"), "s");
  const own = new Cli(await startServer({ listen: [`unix:${socket}`] }));
  const id = await own.launch("-t", "--", "sh");
  const told = await own.run(["attach", id], { stdin: Buffer.from("exit 6\r") });
  expect(told).toMatchObject({ code: 6, stderr: "" });
});

test("keys that cannot be typed are refused, and a job that is not there", async () => {
  const wrong = await cli.run(["attach", "--detach-keys", "ctrl-1", "1"]);
  expect(wrong.code).toBe(125);
  expect(wrong.stderr).toContain("Keys such as ctrl-p,ctrl-q are needed");
  const missing = await cli.run(["attach", "1"]);
  expect([missing.code, missing.stderr]).toEqual([
    125,
    'errand: no job "1" is running or on record (not-found)\n',
  ]);
});

// Commands that are started in the background.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newAlias } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let cli: Cli;
beforeAll(async () => {
  cli = new Cli(await startServer());
});

describe("start", () => {
  test("prints the id while the job runs, and --json the job", async () => {
    const id = await cli.launch("--", "sleep", "60");
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
    const first = await cli.launch("--idempotency-key", key, "--", "true");
    expect(await cli.launch("--idempotency-key", key, "--", "true")).toBe(first);
    const other = await cli.run(["start", "--idempotency-key", key, "--", "false"]);
    expect([other.code, other.stdout]).toEqual([125, ""]);
  });

  test("starts what survives its server, or ends with it as is said", async () => {
    const told = await cli.run(["start", "--json", "--", "true"]);
    expect(JSON.parse(told.stdout)).toMatchObject({ survive: true, mode: "background" });
    const other = await cli.run(["start", "--json", "--no-survive", "--", "true"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ survive: false, mode: "background" });
  });

  test("lets go with --detached", async () => {
    const token = newToken();
    const id = await cli.launch("--detached", "--", program("child"), token);
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
    const first = await cli.launch("--alias", alias, "--", "sleep", "60");
    const refused = await cli.run(["start", "--alias", alias, "--", "true"]);
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining("(already-running)")]);
    expect(await cli.launch("--alias", alias, "--alias-policy", "join", "--", "sleep", "60")).toBe(first);
    const queued = await cli.launch("--alias", alias, "--alias-policy", "queue", "--", "echo", "queued");
    const replacing = await cli.launch(
      "--alias",
      alias,
      "--alias-policy",
      "replace",
      "--",
      "echo",
      "replacing",
    );
    expect(new Set([first, queued, replacing]).size).toBe(3);
    for (const id of [queued, replacing]) expect((await cli.run(["wait", id])).code).toBe(0);
    expect((await cli.run(["wait", first])).code).toBe(143);
  });
});

// The completions are tried in a real bash; for zsh and fish their own syntax check has to do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { endEverything, errandProgram, type Server, startServer } from "../support/server.ts";
import { missingTool } from "../support/tools.ts";
import { Cli, startCli } from "./support/cli.ts";

afterAll(endEverything);

const verbs = "run start ps logs attach wait stop signal rm serve info token doctor context completion".split(
  " ",
);

let folder = "";
let script = "";
beforeAll(async () => {
  folder = temporaryDirectory("completion");
  script = join(folder, "errand.bash");
  const { code, stdout } = await startCli(["completion", "bash"]).ended;
  expect(code).toBe(0);
  writeFileSync(script, stdout);
});

/** What bash offers for the last of these words. */
async function offered(words: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const line = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _errand; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const argv = ["bash", "--norc", "-uc", line, "bash", script, errandProgram, ...words];
  const { code, stdout, stderr } = await command(argv, {
    env: { XDG_CONFIG_HOME: folder, ...env },
    cwd: folder,
  });
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((word) => word !== "");
}

describe("bash offers", () => {
  test("verbs", async () => {
    expect(await offered([""])).toEqual([...verbs, "help", "--help", "--version"]);
    expect(await offered(["st"])).toEqual(["start", "stop"]);
    expect(await offered(["help", "co"])).toEqual(["context", "completion"]);
    expect(await offered(["token", ""])).toEqual(["create", "list", "revoke", "--help"]);
  });

  test("every option that the help of a verb names", async () => {
    const all = [...verbs.filter((verb) => verb !== "token" && verb !== "context").map((verb) => [verb])];
    all.push(
      ["token", "create"],
      ["token", "list"],
      ["token", "revoke"],
      ["context", "set"],
      ["context", "list"],
    );
    for (const verb of all) {
      const { stdout } = await startCli([...verb, "--help"]).ended;
      const named = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name = ""]) => name);
      expect(named).toContain("--help");
      const found = await offered([...verb, "--"]);
      expect({ verb, found: found.toSorted() }).toEqual({ verb, found: named.toSorted() });
    }
  });

  test("the values of options", async () => {
    expect(await offered(["run", "--alias-policy", "re"])).toEqual(["reject", "replace"]);
    expect(await offered(["token", "create", "x", "--scope", ""])).toEqual(["read", "run", "admin"]);
    expect(await offered(["run", "--cwd", ""])).toEqual([]);
    expect(await offered(["run", "--env-file", "errand.b"])).toEqual(["errand.bash"]);
    expect(await offered(["completion", ""])).toEqual(["bash", "zsh", "fish"]);
  });

  test("the command that is to be run, and files behind it", async () => {
    expect(await offered(["run", "--", "mktem"])).toContain("mktemp");
    expect(await offered(["run", "--alias", "x", "mktem"])).toContain("mktemp");
    expect(await offered(["run", "--merge", "cat", "errand.b"])).toEqual(["errand.bash"]);
    // An option of the command is none of ours.
    expect(await offered(["run", "cat", "--al"])).toEqual([]);
    expect(await offered(["run", "--", "--al"])).toEqual([]);
  });

  test("contexts", async () => {
    const env = { XDG_CONFIG_HOME: temporaryDirectory("config") };
    for (const name of ["build", "beta", "c"])
      await startCli(["context", "set", name, "--url", "http://a.example"], { env }).ended;
    expect(await offered(["ps", "--context", "b"], env)).toEqual(["build", "beta"]);
    expect(await offered(["context", "use", ""], env)).toEqual(["build", "beta", "c"]);
  });
});

describe("bash asks for jobs:", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });

  test("those that run, or all of them", async () => {
    const cli = new Cli(server);
    const env = { ERRAND_URL: server.url, ERRAND_TOKEN: server.token };
    const start = async (...argv: string[]) => (await cli.run(["start", "--", ...argv])).stdout.trim();
    const ended = await start("true");
    await cli.run(["wait", ended]);
    const running = await start("sleep", "60");
    expect(await offered(["logs", ""], env)).toEqual([running, ended]);
    expect(await offered(["stop", ""], env)).toEqual([running]);
    expect(await offered(["attach", ""], env)).toEqual([running]);
    expect(await offered(["signal", running, "SIGT"], env)).toEqual([]);
    expect(await offered(["stop", running, running.slice(0, 4)], env)).toEqual([running]);
    await cli.run(["stop", "--grace", "0", running]);
  });

  test("a server that answers with other things than ids puts nothing on the command line", async () => {
    const jobs = ["$(touch evil)", "`touch evil`", "1; touch evil", "a b", "250\u001b[2J", "7"].map((id) => ({
      ...{ id, state: "running", command: ["true"], outcome: null, createdAt: "2026-01-01T00:00:00.000Z" },
    }));
    const hostile = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ jobs, nextCursor: null }),
    });
    const words = await offered(["stop", ""], { ERRAND_URL: hostile.url.origin });
    await hostile.stop(true);
    expect(words).toEqual(["7"]);
    expect(await Bun.file(join(folder, "evil")).exists()).toBe(false);
  });

  test("a server that does not answer holds nobody up", async () => {
    const silent = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Promise<Response>(() => {}),
    });
    const before = performance.now();
    expect(await offered(["stop", ""], { ERRAND_URL: silent.url.origin })).toEqual([]);
    expect(performance.now() - before).toBeLessThan(8_000);
    await silent.stop(true);
  });
});

describe("the script is well formed for", () => {
  const checks = { bash: ["-n"], zsh: ["-n"], fish: ["--no-execute"] };
  for (const [shell, check] of Object.entries(checks)) {
    // What is not installed here cannot be asked.
    test.skipIf(missingTool(shell) !== undefined)(`${shell} (needs ${shell} itself)`, async () => {
      const { stdout } = await startCli(["completion", shell]).ended;
      const file = join(folder, `errand.${shell}`);
      writeFileSync(file, stdout);
      expect(await command([shell, ...check, file])).toMatchObject({ code: 0, stderr: "" });
    });

    test(`${shell} names every verb`, async () => {
      const { code, stdout } = await startCli(["completion", shell]).ended;
      expect(code).toBe(0);
      for (const verb of verbs) expect(stdout).toContain(verb);
    });
  }
});

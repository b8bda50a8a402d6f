// What is typed wrongly is told with the right word, and with an exit code that can be no command's.

import { afterAll, describe, expect, test } from "bun:test";
import { endEverything } from "../support/server.ts";
import { startCli } from "./support/cli.ts";

afterAll(endEverything);

const run = (args: readonly string[], env: Record<string, string> = {}) => startCli(args, { env }).ended;
const usage = 64;
const ownFailure = 125;

describe("the nearest word is named:", () => {
  test.each([
    [["runn"], usage, "run"],
    [["log"], usage, "logs"],
    [["tokens"], usage, "token"],
    [["--url", "x", "ps"], usage, "behind it"],
    [["ps", "--stat", "running"], usage, "--state"],
    [["logs", "--folow", "1"], usage, "--follow"],
    [["token", "creat", "x"], usage, "create"],
    [["context", "lst"], usage, "list"],
    [["run", "--timout", "5", "true"], ownFailure, "--timeout"],
    [["start", "--alais", "x", "true"], ownFailure, "--alias"],
    [["wait", "--timeou", "1", "1"], ownFailure, "--timeout"],
    [["signal", "1", "TEM"], usage, "SIGTERM"],
  ])("%j", async (args, exitCode, words) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toStartWith("errand: ");
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("    at ");
  });
});

describe("is told with what is needed:", () => {
  test.each([
    [["run"], ownFailure, "no command"],
    [["run", "--timeout", "soon", "true"], ownFailure, "1.5s"],
    [["run", "--alias-policy", "wait", "true"], ownFailure, "queue"],
    [["run", "--env-file", "/no/such", "true"], ownFailure, "/no/such"],
    [["run", "-it", "sh"], ownFailure, "no terminal"],
    [["run", "-it", "--stdin", "none", "sh"], ownFailure, "--stdin"],
    [["run", "-t", "--stdin", "none", "sh"], ownFailure, "-t and --stdin"],
    [["run", "-t", "--stdin", "inherit", "sh"], ownFailure, "-t and --stdin"],
    [["run", "-i", "--stdin", "none", "sh"], ownFailure, "-i and --stdin none"],
    [["run", "--detach-keys", "ctrl-a", "sh"], ownFailure, "-it"],
    [["run", "-t", "--detach-keys", "ctrl-a", "sh"], ownFailure, "-it"],
    [["run", "--shell", "--spec", "/dev/null"], ownFailure, "--shell"],
    [["start", "-t", "--stdin", "none", "sh"], ownFailure, "-t and --stdin"],
    [["start", "-t", "--stdin", "inherit", "sh"], ownFailure, "-t and --stdin"],
    [["start", "--detached", "--no-survive", "true"], ownFailure, "--no-survive"],
    [["attach", "--detach-keys", "ctrl-a", "1"], ownFailure, "no terminal"],
    [["attach"], ownFailure, "id"],
    [["attach", "--replay", "some", "1"], ownFailure, "screen"],
    [["attach", "--detach-keys", "ctrl-1", "1"], ownFailure, "ctrl-p,ctrl-q"],
    [["run", "--on", "n", "true"], ownFailure, "not available"],
    [["run", "--on-disconnect", "stay", "true"], ownFailure, "detach"],
    [["start", "--detached", "--wait", "true"], ownFailure, "--detached"],
    [["ps", "--state", "done"], usage, "ended"],
    [["ps", "-n", "0"], usage, "from 1"],
    [["ps", "--url", "nowhere"], usage, "http://127.0.0.1:8910"],
    [["ps", "--context", "nowhere"], usage, "errand context"],
    [["logs"], usage, "id"],
    [["stop"], usage, "id"],
    [["signal", "1"], usage, "signal"],
    [["rm"], usage, "--ended-before"],
    [["rm", "--ended-before", "yesterday"], usage, "7d"],
    [["token", "create", "x"], usage, "--scope"],
    [["token", "create", "x", "--scope", "write"], usage, "admin"],
    [["completion", "tcsh"], usage, "fish"],
    [["context", "set", "x"], usage, "--url"],
    [["doctor", "more"], usage, "argument"],
  ])("%j", async (args, exitCode, words) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("    at ");
  });
});

describe("no server", () => {
  // Nobody listens at the lowest port.
  const nowhere = { ERRAND_URL: "http://127.0.0.1:1" };

  test.each([
    [["ps"], 69],
    [["info"], 69],
    [["stop", "1"], 69],
    [["run", "true"], ownFailure],
    [["start", "true"], ownFailure],
    [["wait", "1"], ownFailure],
  ])("%j ends at once with %i, and says what to do", async (args, exitCode) => {
    const { code, stdout, stderr } = await run(args, nowhere);
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain("http://127.0.0.1:1");
    expect(stderr).toContain("errand serve");
  });

  test("the socket of a server that is not there", async () => {
    const { code, stderr } = await run(["ps", "--url", "unix:/no/such.sock"]);
    expect(code).toBe(69);
    expect(stderr).toContain("errand serve");
  });
});

describe("help", () => {
  const verbs = "run start ps logs wait stop signal rm serve info token doctor context completion".split(" ");

  test("names every verb in its group, with examples and exit codes", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb} +\\S.*$`, "m"));
    for (const words of ["Run commands:", "Examples:", "Exit codes:", "125", "128 + n"])
      expect(stdout).toContain(words);
    expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
  });

  test.each(verbs)("of %s says how it is used", async (verb) => {
    const [flag, word] = await Promise.all([run([verb, "--help"]), run(["help", verb])]);
    expect([flag.code, flag.stderr]).toEqual([0, ""]);
    expect(flag.stdout).toStartWith(`Usage: errand ${verb}`);
    expect(word.stdout).toBe(flag.stdout);
  });
});

// The exit code of `errand run` is the command's, as a shell has it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { program } from "../support/programs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let cli: Cli;
beforeAll(async () => {
  cli = new Cli(await startServer());
});

/** So many of these programs run at once, on machines that have other work, too. */
const atOnce = 4;

async function forEach<Item>(items: readonly Item[], check: (item: Item) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await check(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const codes = Array.from({ length: 256 }, (_, code) => code);

describe("every exit code comes through:", () => {
  for (let from = 0; from < 256; from += 32) {
    test(`${from} to ${from + 31}`, async () => {
      await forEach(codes.slice(from, from + 32), async (code) => {
        const told = await cli.run(["run", "--", "sh", "-c", `exit ${code}`]);
        expect([told.code, told.stdout, told.stderr]).toEqual([code, "", ""]);
      });
    }, 60_000);
  }
});

describe("every signal that ends a program is 128 + n:", () => {
  // These stop a program, let it go on, or are nothing to it.
  const harmless = ["SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH"];
  const ending = Object.entries(constants.signals).filter(([name]) => !harmless.includes(name));

  test("by name", async () => {
    expect(ending.length).toBeGreaterThan(20);
    await forEach(ending, async ([name, number]) => {
      const told = await cli.run(["run", "--", "sh", "-c", `ulimit -c 0; kill -${number} $$; sleep 5`]);
      expect([name, told.code, told.stdout, told.stderr]).toEqual([name, 128 + number, "", ""]);
    });
  }, 60_000);

  test("real-time ones, too", async () => {
    await forEach([34, 35, 50, 64], async (number) => {
      const told = await cli.run(["run", "--", "sh", "-c", `kill -${number} $$; sleep 5`]);
      expect([told.code, told.stderr]).toEqual([128 + number, ""]);
    });
  });
});

describe("a command that cannot be started ends as in a shell:", () => {
  test.each([
    [["nosuchprogram"], 127, "nosuchprogram"],
    [["/no/such/program"], 127, "/no/such/program"],
    [[program("missing-interpreter")], 127, "interpreter"],
    [[program("not-executable")], 126, "not-executable"],
    [["/tmp"], 126, "/tmp"],
    [["/etc/passwd/x"], 126, "/etc/passwd/x"],
  ])("%j", async (command, code, words) => {
    for (const verb of ["run", "start"]) {
      const told = await cli.run([verb, "--", ...command]);
      expect([told.code, told.stdout]).toEqual([code, ""]);
      expect(told.stderr).toContain(words);
    }
  });

  test("a directory that is not there is no fault of the program", async () => {
    const told = await cli.run(["run", "--cwd", "/no/such/folder", "--", "true"]);
    expect(told).toMatchObject({ code: 125, stderr: expect.stringContaining("/no/such/folder") });
  });

  test("a line for the shell is the shell's to answer", async () => {
    const told = await cli.run(["run", "--shell", "nosuchprogram"]);
    expect(told).toMatchObject({ code: 127, stderr: expect.stringContaining("not found") });
  });
});

describe("what Errand has stopped is told:", () => {
  test.each([
    [["--timeout", "0.2"], "sleep 30", 143, "timeout"],
    [["--timeout", "0.2"], "trap 'exit 0' TERM; sleep 30 & wait", 125, "timeout"],
    [["--timeout", "0.2"], "trap 'exit 9' TERM; sleep 30 & wait", 9, "timeout"],
    [["--idle-timeout", "0.2"], "sleep 30", 143, "silent"],
    [["--timeout", "0.2", "--grace", "0.1"], "trap '' TERM; sleep 30", 137, "timeout"],
    [["--output-limit", "1K"], "while :; do echo line; done", 143, "output limit"],
  ])("%j %s", async (options, line, code, words) => {
    const told = await cli.run(["run", ...options, "--shell", line]);
    expect(told.code).toBe(code);
    expect(told.stderr).toContain(words);
  });
});

test("without a token, 125", async () => {
  const told = await cli.run(["run", "true"], { env: { ERRAND_TOKEN: "wrong" } });
  expect(told).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining("--token-file") });
});
